/** Tells whether a key press is the shortcut, as in `Alt+Shift+A`. */
export function isShortcut(event: KeyboardEvent, shortcut: string): boolean {
  const keys = shortcut.toLowerCase().split("+");
  const key = keys.at(-1) ?? "";
  const isHeld = (name: string) => keys.slice(0, -1).includes(name);
  return (
    event.altKey === isHeld("alt") &&
    event.shiftKey === isHeld("shift") &&
    event.ctrlKey === isHeld("ctrl") &&
    event.metaKey === isHeld("meta") &&
    // With Alt, macOS makes another letter of the key: its place on the keyboard names it then.
    (event.key.toLowerCase() === key || event.code.toLowerCase().replace(/^(?:key|digit)/, "") === key)
  );
}
