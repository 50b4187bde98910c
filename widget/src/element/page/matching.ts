/** Finds a quote in a page's text, without the DOM. */
import { type FoldedText, fold } from "./folding.js";

/** Offsets into the text that was added to the FoldedText; `end` is that of the last character. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** More than the proxy lets through (MAX_QUOTE of chat_proxy/backends/native.py). */
const MAX_QUOTE = 4_000;
const MAX_PARTS = 32;
/** Folded units that may be left out between two parts: a long section. */
const MAX_GAP = 8_000;
/** Places that are looked at, so that a quote of one letter costs no more than another. */
const MAX_PLACES = 64;
/** Fewer letters and digits than this would be found in any page. */
const MIN_WORDS = 8;

const ELLIPSES = /(?:\s*[[(]?(?:\u2026|\.{3,})[\])]?\s*)+/;
const LINES = /\s*\n\s*/;
const LINK_TARGET = /\]\([^)\s]*\)/g;

/**
 * Places of the quote, the best first: as it is, then by what an ellipsis or a line end parts, then by its words
 * alone; each from the offset `preferred` on, then from the beginning. A place has a span for each part.
 */
export function* placesOf(page: FoldedText, quote: string, preferred: number): Generator<readonly Span[]> {
  if (quote.length > MAX_QUOTE) return;
  for (const parts of waysToPart(quote)) yield* placesOfParts(page, parts.map(fold), preferred);
  const words = page.words();
  for (const parts of waysToPart(quote.replace(LINK_TARGET, "]"))) {
    const needles = parts.map((part) => fold(part).words()).filter((needle) => needle.text !== "");
    if (needles.reduce((sum, needle) => sum + needle.text.length, 0) < MIN_WORDS) return;
    yield* placesOfParts(words, needles, preferred);
  }
}

function waysToPart(quote: string): readonly string[][] {
  const ways = [[quote], quote.split(ELLIPSES), quote.split(LINES)].map((parts) =>
    parts.filter((part) => part.trim() !== ""),
  );
  return ways.filter((parts, way) => parts.length <= MAX_PARTS && (way === 0 || parts.join("") !== quote));
}

function* placesOfParts(
  page: FoldedText,
  parts: FoldedText[],
  preferred: number,
): Generator<readonly Span[]> {
  const needles = parts.map((part) => part.text);
  const [first] = needles;
  if (!first || needles.includes("")) return;
  const middle = page.indexOf(preferred);
  let places = 0;
  for (const [from, to] of [
    [middle, page.text.length],
    [0, middle + first.length - 1],
  ] as const) {
    for (const at of occurrences(page.text, first, from, to)) {
      const spans = follow(page, needles, at);
      if (spans) yield spans;
      places += 1;
      if (places === MAX_PLACES) return;
    }
  }
}

/** The spans of the parts when the first stands at `at`; null unless the others follow. */
function follow(page: FoldedText, needles: readonly string[], at: number): readonly Span[] | null {
  const spans: Span[] = [];
  let from = at;
  for (const needle of needles) {
    const gap = spans.length === 0 ? 0 : MAX_GAP;
    const [start] = occurrences(page.text, needle, from, from + gap + needle.length);
    if (start === undefined) return null;
    from = start + needle.length;
    spans.push({ start: page.sourceOf(start), end: page.sourceOf(from - 1) });
  }
  return spans;
}

/**
 * The places of `needle` in text[from, to), by Knuth, Morris and Pratt: `indexOf` takes a second for 2,000 letters
 * in a million of the same letter.
 */
function* occurrences(text: string, needle: string, from: number, to: number): Generator<number> {
  const borders = bordersOf(needle);
  const end = Math.min(to, text.length);
  let matched = 0;
  for (let index = from; index < end; index += 1) {
    const unit = text.charCodeAt(index);
    while (matched > 0 && needle.charCodeAt(matched) !== unit) matched = borders[matched - 1] ?? 0;
    if (needle.charCodeAt(matched) === unit) matched += 1;
    if (matched === needle.length) {
      yield index - matched + 1;
      matched = borders[matched - 1] ?? 0;
    }
  }
}

/** For each prefix of the needle, the length of its longest proper prefix that is also its suffix. */
function bordersOf(needle: string): readonly number[] {
  const borders = [0];
  let length = 0;
  for (let index = 1; index < needle.length; index += 1) {
    const unit = needle.charCodeAt(index);
    while (length > 0 && needle.charCodeAt(length) !== unit) length = borders[length - 1] ?? 0;
    if (needle.charCodeAt(length) === unit) length += 1;
    borders.push(length);
  }
  return borders;
}
