/** Drawn for this widget on a grid of 24, as strokes of the text's colour. */
const PATHS = {
  add: "M12 5v14M5 12h14",
  history: "M4 12a8 8 0 1 0 2.6-5.9L4 8.5M4 4v4.5h4.5M12 7.5V12l3 2",
  account: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20.5c.8-3.6 3.8-5.5 7.5-5.5s6.7 1.9 7.5 5.5",
  close: "M6 6l12 12M18 6L6 18",
  back: "M15 5l-7 7 7 7",
  send: "M12 19V5M5.5 11.5L12 5l6.5 6.5",
  stop: "M7 7h10v10H7z",
  quote: "M9.5 7C6.5 8 5 10.2 5 13.5V17h5v-5H7.5M19 7c-3 1-4.5 3.2-4.5 6.5V17h5v-5H17",
  copy: "M9 9h11v11H9zM15 9V4H4v11h5",
  done: "M5 12.5l4.5 4.5L19 7.5",
  up: "M7.5 11v9H4v-9zM7.5 11l4-7.5c1.6 0 2.5 1 2.5 2.5l-.8 4H19c1 0 1.7.9 1.5 1.9l-1.3 6.5c-.2.9-.9 1.6-1.9 1.6H7.5",
  down: "M7.5 13V4H4v9zM7.5 13l4 7.5c1.6 0 2.5-1 2.5-2.5l-.8-4H19c1 0 1.7-.9 1.5-1.9l-1.3-6.5C19 4.7 18.3 4 17.3 4H7.5",
  trash: "M4.5 6.5h15M9.5 6V4h5v2M6.5 6.5l1 13.5h9l1-13.5M10 10.5v6M14 10.5v6",
  retry: "M20 12a8 8 0 1 1-2.6-5.9L20 8.5M20 4v4.5h-4.5",
  latest: "M12 5v14M5.5 12.5L12 19l6.5-6.5",
  warning: "M12 4L2.8 20h18.4zM12 10v4.5M12 17v.4",
  page: "M6 3.5h8l4 4v13H6zM14 3.5v4h4M9 12h6M9 15.5h6",
} as const;

export function Icon({ name }: { readonly name: keyof typeof PATHS }) {
  return (
    <svg
      class={name === "back" ? "flip" : name === "stop" ? "solid" : undefined}
      viewBox="0 0 24 24"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
