/** The button at a selection. It takes neither the focus nor the selection. */
import type { Candidate } from "../contract.js";
import { elementOf } from "./blocks.js";
import { placeAt } from "./placement.js";
import { lastLineOf } from "./ranges.js";

export interface SelectionButton {
  /** Shows it at the candidate (a bar at the bottom for coarse pointers), hides it for null. */
  show(candidate: Candidate | null): void;
  remove(): void;
}

export interface ButtonWords {
  readonly ask: string;
  /** As it is shown and as `aria-keyshortcuts` takes it, as in `Alt+Shift+A`. */
  readonly shortcut: string | null;
}

// The page's surface and text rather than its primary colour, which need not contrast with white.
const STYLE = `
.ask-selection {
  position: fixed; inset: auto; margin: 0; box-sizing: border-box; z-index: 2147483647;
  display: flex; align-items: center; justify-content: center; gap: 8px;
  min-height: 34px; max-width: calc(100vw - 16px); padding: 4px 12px;
  border: 1px solid var(--cg-primary, var(--ifm-color-primary, GrayText)); border-radius: 17px;
  background: var(--cg-surface, Canvas); color: var(--cg-text, CanvasText);
  font: 600 14px/1.5 var(--cg-font, system-ui, sans-serif); text-align: start;
  box-shadow: 0 2px 8px rgb(0 0 0 / 0.24); cursor: pointer; user-select: none; -webkit-user-select: none;
  touch-action: manipulation;
}
.ask-selection[hidden] { display: none; }
.ask-selection:hover { text-decoration: underline; }
.ask-selection:focus-visible { outline: 2px solid currentcolor; outline-offset: 2px; }
.ask-selection svg { flex: none; }
@media (forced-colors: none) {
  .ask-selection svg { color: var(--cg-primary, var(--ifm-color-primary, currentcolor)); }
}
.ask-selection kbd { font: 400 12px/1.5 var(--cg-font, system-ui, sans-serif); opacity: 0.8; white-space: nowrap; }
.ask-selection.is-bar {
  inset: auto 12px calc(12px + env(safe-area-inset-bottom, 0px)); width: auto; max-width: 480px;
  margin-inline: auto; min-height: 48px; padding: 8px 16px; border-radius: 24px; font-size: 16px;
}
.ask-selection.is-bar kbd { display: none; }
@media print { .ask-selection { display: none; } }`;

const BUBBLE =
  "M4 5.5A1.5 1.5 0 0 1 5.5 4h13A1.5 1.5 0 0 1 20 5.5v9a1.5 1.5 0 0 1-1.5 1.5H11l-4.5 4v-4h-1A1.5 1.5 0 0 1 4 14.5z";

/** Puts a hidden button and its style into `root`. `onAsk` is told what is selected when it is pressed. */
export function selectionButton(
  root: ShadowRoot,
  words: ButtonWords,
  onAsk: (candidate: Candidate) => void,
): SelectionButton {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  const button = buttonWith(words);
  root.append(button);

  let shown: Candidate | null = null;
  let listening: AbortController | null = null;
  // A tap may clear the selection before it is a click: what was pressed counts.
  let pressed: Candidate | null = null;

  const hide = () => {
    shown = pressed = null;
    listening?.abort();
    listening = null;
    button.hidden = true;
    if (button.popover) button.hidePopover();
  };
  const show = (candidate: Candidate) => {
    shown = candidate;
    button.hidden = false;
    // In the top layer no container of the page clips or covers it.
    if (button.popover && !button.matches(":popover-open")) button.showPopover();
    place(button, candidate);
    listening ??= listenWhileShown();
  };
  const listenWhileShown = () => {
    const listening = new AbortController();
    const options = { signal: listening.signal, capture: true, passive: true };
    const follow = () => requestAnimationFrame(() => shown && place(button, shown));
    window.addEventListener("scroll", follow, options);
    window.addEventListener("resize", follow, options);
    document.addEventListener("keydown", (event) => event.key === "Escape" && hide(), options);
    document.addEventListener("pointerdown", press, options);
    return listening;
  };
  const press = (event: PointerEvent) => {
    const isOurs = event.composedPath().includes(button);
    if (pressed && !isOurs && !shown) hide();
    else pressed = isOurs ? shown : null;
  };

  // The default action of a press moves the focus and clears the selection.
  button.addEventListener("mousedown", (event) => event.preventDefault());
  button.addEventListener("click", () => {
    const asked = pressed ?? shown;
    hide();
    if (asked) onAsk(asked);
  });
  return {
    show(candidate) {
      if (candidate) show(candidate);
      else if (pressed) shown = null;
      else hide();
    },
    remove() {
      hide();
      button.remove();
      root.adoptedStyleSheets = root.adoptedStyleSheets.filter((one) => one !== sheet);
    },
  };
}

function buttonWith({ ask, shortcut }: ButtonWords): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "ask-selection";
  button.hidden = true;
  if ("popover" in button) button.popover = "manual";
  button.append(bubble(), ask);
  if (shortcut) {
    const keys = document.createElement("kbd");
    keys.textContent = shortcut;
    keys.ariaHidden = "true";
    button.setAttribute("aria-keyshortcuts", shortcut);
    button.append(keys);
  }
  return button;
}

function bubble(): SVGElement {
  const namespace = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(namespace, "svg");
  const attributes = { viewBox: "0 0 24 24", width: "16", height: "16", fill: "none", "aria-hidden": "true" };
  for (const [name, value] of Object.entries(attributes)) picture.setAttribute(name, value);
  const path = document.createElementNS(namespace, "path");
  const strokes = { d: BUBBLE, stroke: "currentColor", "stroke-width": "2", "stroke-linejoin": "round" };
  for (const [name, value] of Object.entries(strokes)) path.setAttribute(name, value);
  picture.append(path);
  return picture;
}

function place(button: HTMLElement, candidate: Candidate): void {
  const isBar = matchMedia("(pointer: coarse)").matches;
  button.classList.toggle("is-bar", isBar);
  const range = candidate.ranges.at(-1);
  const end = range && elementOf(range.endContainer);
  if (isBar || !end) {
    button.style.cssText = "";
    return;
  }
  const viewport = { width: document.documentElement.clientWidth, height: window.innerHeight };
  const isRightToLeft = getComputedStyle(end).direction === "rtl";
  const whole = range.getBoundingClientRect();
  const at = placeAt(lastLineOf(range), whole, button.getBoundingClientRect(), viewport, isRightToLeft);
  button.style.visibility = at ? "visible" : "hidden";
  button.style.left = `${at?.left ?? 0}px`;
  button.style.top = `${at?.top ?? 0}px`;
}
