/** The reader's selection on the page, and the events after which to look at it. */
import { countCodePoints, normaliseSelection } from "../../core/texts.js";
import type { Candidate } from "../contract.js";
import { elementOf, headingIdBefore } from "./blocks.js";
import { lastLineOf, tightened } from "./ranges.js";
import { selectedText } from "./selected_text.js";

export interface SelectionWatch {
  /** CSS selector of the elements in which to select, as in `article, .theme-doc-markdown`. */
  readonly scope: string;
  /** Called with the selection that may be asked about, or null when there is none or it has gone. */
  onChange(candidate: Candidate | null): void;
}

/** A selection by keyboard or by a phone's handles changes many times; a reader waits no longer than this. */
const SETTLED_MS = 200;
const WIDGET = "chatgate-widget";
const FIELDS = `${WIDGET}, input, textarea, select`;
// Beside the text that a chapter has, its page has ways to other pages.
const NAVIGATION = "nav, .theme-doc-sidebar-container, .table-of-contents, .theme-doc-toc-mobile";

/** The selection as it is now; null where nothing askable is selected. */
export function captureSelection(scope: string): Candidate | null {
  const selection = document.getSelection();
  if (!selection || selection.isCollapsed) return null;
  const selected = rangesOf(selection);
  if (selected.some(({ startContainer, endContainer }) => isField(startContainer) || isField(endContainer)))
    return null;
  const ranges = selected.map(tightened).filter((range) => range !== null);
  const [first] = ranges;
  const last = ranges.at(-1);
  const root = first && scopeOf(first.startContainer, scope);
  if (!first || !last || !root) return null;
  if (!ranges.every((range) => scopeOf(range.startContainer, scope) && scopeOf(range.endContainer, scope)))
    return null;
  const text = normaliseSelection(selectedText(selection, ranges));
  if (!text) return null;
  return {
    passage: {
      text,
      length: countCodePoints(text),
      path: location.pathname,
      headingId: headingIdBefore(first.startContainer, root),
    },
    ranges,
    rect: lastLineOf(last),
  };
}

/** In document order: Firefox has them in the order they were made. */
function rangesOf(selection: Selection): Range[] {
  const ranges = Array.from({ length: selection.rangeCount }, (_, index) => selection.getRangeAt(index));
  return ranges.sort((one, other) => one.compareBoundaryPoints(Range.START_TO_START, other));
}

function isField(node: Node): boolean {
  const element = elementOf(node);
  return (
    !!element &&
    (element.closest(FIELDS) !== null || (element instanceof HTMLElement && element.isContentEditable))
  );
}

function scopeOf(node: Node, scope: string): Element | null {
  const element = elementOf(node);
  return element?.closest(NAVIGATION) ? null : (element?.closest(scope) ?? null);
}

/** Watches until the returned function is called. */
export function watchSelection({ scope, onChange }: SelectionWatch): () => void {
  const watching = new AbortController();
  let current: Candidate | null = null;
  let written = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isPending = false;
  let isPointerDown = false;

  const tell = (candidate: Candidate | null) => {
    if (isSame(candidate, current)) return;
    current = candidate;
    written = candidate?.ranges.join() ?? "";
    // No event is sent when a script replaces the selected nodes.
    replaced.disconnect();
    if (candidate) replaced.observe(document, { childList: true, subtree: true, characterData: true });
    onChange(candidate);
  };
  const look = () => {
    clearTimeout(timer);
    timer = undefined;
    isPending = false;
    tell(captureSelection(scope));
  };
  const lookIfReplaced = () => {
    clearTimeout(timer);
    timer = undefined;
    // A modal dialog takes the selection away without an event, and gives it back when it closes: it stays ours.
    if (document.getSelection()?.rangeCount === 0 || !current) return;
    if (current.ranges.some((range) => range.collapsed) || current.ranges.join() !== written) look();
  };
  const replaced = new MutationObserver(() => {
    if (!isPointerDown) timer ??= setTimeout(lookIfReplaced, SETTLED_MS);
  });
  const changed = () => {
    isPending = true;
    clearTimeout(timer);
    timer = isPointerDown ? undefined : setTimeout(look, SETTLED_MS);
  };
  const down = (event: PointerEvent) => {
    // A press in the widget selects nothing of the page, and a menu swallows the end of any other button's.
    isPointerDown = event.button === 0 && elementOf(event.target as Node)?.closest(WIDGET) === null;
  };
  const up = () => {
    isPointerDown = false;
    if (isPending) look();
    else lookIfReplaced();
  };

  const options = { signal: watching.signal, capture: true, passive: true };
  document.addEventListener("selectionchange", changed, options);
  document.addEventListener("pointerdown", down, options);
  for (const type of ["pointerup", "pointercancel", "touchend", "keyup"])
    document.addEventListener(type, up, options);
  // Only the window's own blur ends a press: the press itself takes the focus from an element.
  window.addEventListener("blur", up, { signal: watching.signal });
  // The selection that had this module loaded may be whole already, and no event tells of it again.
  changed();
  return () => {
    watching.abort();
    replaced.disconnect();
    clearTimeout(timer);
  };
}

function isSame(one: Candidate | null, other: Candidate | null): boolean {
  if (!one || !other) return one === other;
  return (
    one.passage.text === other.passage.text &&
    one.ranges.length === other.ranges.length &&
    one.ranges.every((range, index) => isSameRange(range, other.ranges[index]))
  );
}

function isSameRange(one: Range, other: Range | undefined): boolean {
  return (
    one.startContainer === other?.startContainer &&
    one.startOffset === other.startOffset &&
    one.endContainer === other.endContainer &&
    one.endOffset === other.endOffset
  );
}
