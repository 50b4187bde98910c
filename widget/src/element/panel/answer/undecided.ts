/** The visible part of an unfinished answer: its end is held back until it cannot become something else. */

// A line of marks and digits alone: a list item, heading, rule or underline that may yet begin.
const ONLY_MARKS = /^[-+*_=>#:|~`\d.) \t]+$/;
const ROW = /^[ \t]*\|/;
const FENCE_LINE = /^[ \t]*(?:(?:[-*+]|\d{1,9}[.)]|>)[ \t]+)*(`{3,}|~{3,})/;
const LOOK_BACK = 2_000;

/** The code fence that is open at the end of `source`, and the offset of the last line. */
export function fenceAtEnd(source: string): { readonly isOpen: boolean; readonly lastLine: number } {
  let open = "";
  let lastLine = 0;
  for (let start = 0; start <= source.length; ) {
    const newline = source.indexOf("\n", start);
    lastLine = start;
    if (newline < 0) break;
    open = fenceAfter(open, source.slice(start, newline));
    start = newline + 1;
  }
  return { isOpen: open !== "", lastLine };
}

/** The fence that is open after `line`, when `open` was before it; empty for none. */
export function fenceAfter(open: string, line: string): string {
  const fence = FENCE_LINE.exec(line)?.[1];
  if (!open) return fence && !(fence[0] === "`" && line.split(fence).length > 2) ? fence : "";
  const closes = fence && fence[0] === open[0] && fence.length >= open.length && line.trim() === fence;
  return closes ? "" : open;
}

/** The part of an unfinished `source` that can be shown, with what is half open in its last line closed. */
export function decided(source: string): string {
  const { isOpen, lastLine } = fenceAtEnd(source);
  const line = source.slice(lastLine);
  if (isOpen) return /^[ \t]*[`~]+$/.test(line) ? source.slice(0, lastLine) : source;
  if (FENCE_LINE.test(line)) return source.slice(0, lastLine);
  const isUndecided = ONLY_MARKS.test(line) || ROW.test(line);
  const text = isUndecided || line === "" ? source.slice(0, lastLine) : source;
  const head = tableHead(text);
  if (head >= 0) return text.slice(0, head);
  return isUndecided ? text : closed(text);
}

/** The offset of the last line if it may be a table's head, which only the line below it decides; else -1. */
function tableHead(text: string): number {
  if (!text.endsWith("\n")) return -1;
  const start = text.lastIndexOf("\n", text.length - 2) + 1;
  const before = text.slice(text.lastIndexOf("\n", start - 2) + 1, start);
  return ROW.test(text.slice(start)) && !ROW.test(before) ? start : -1;
}

/** Holds back a link that has no end yet, and ends code and strong text that has none. */
function closed(source: string): string {
  const paragraph = Math.max(source.lastIndexOf("\n\n") + 2, source.length - LOOK_BACK, 0);
  let text = source.slice(paragraph).replace(/[*_~]+$/, "");
  const withoutCode = text.replace(/(`+)[^`][\s\S]*?\1/g, (code) => " ".repeat(code.length));
  if (/`+$/.test(withoutCode)) return source.slice(0, paragraph) + text.replace(/`+$/, "");
  const tick = withoutCode.indexOf("`");
  if (tick >= 0) return `${source.slice(0, paragraph)}${text}${/^`+/.exec(text.slice(tick))?.[0] ?? ""}`;
  const link = /!?\[[^\]\n]{0,300}$|!?\[[^\]\n]{0,300}\]\([^)\s]{0,1000}$|<[a-z][^>\s]{0,100}$/i.exec(
    withoutCode,
  );
  if (link) text = text.slice(0, link.index);
  const strong = withoutCode.slice(0, text.length).split("**").length - 1;
  if (strong % 2 && !/\*\*\s*$/.test(text)) text = `${text.trimEnd()}**`;
  else if (strong % 2) text = text.replace(/\*\*\s*$/, "");
  return source.slice(0, paragraph) + text;
}
