/** Finds a quote on a page: folds the page's text nodes, and makes ranges for the places found. */
import { elementOf, NOT_TEXT, TEX } from "./blocks.js";
import { FoldedText } from "./folding.js";
import { placesOf, type Span } from "./matching.js";

// Formulas are compared by their TeX, which a quote of the Markdown holds; KaTeX shows each of them twice.
const NOT_COMPARED = `${NOT_TEXT}, .katex-html, semantics > :not(${TEX})`;
// Elements that are hidden until the reader opens them.
const OPENABLE = "details, [role=tabpanel], [hidden=until-found]";

/**
 * The ranges of a quote below `root`, ignoring white space, case, typography and inline markup: one for each part
 * between ellipses, none if the quote is not there. A place after `heading` is preferred.
 */
export function findQuote(root: Element, quote: string, heading: Element | null = null): readonly Range[] {
  const page = new PageText(root);
  for (const spans of placesOf(page.folded, quote, heading ? page.offsetOf(heading) : 0)) {
    const ranges = spans.map((span) => page.rangeOf(span));
    if (ranges.every(({ startContainer }) => canBeShown(startContainer))) return ranges;
  }
  return [];
}

class PageText {
  readonly folded = new FoldedText();
  readonly #nodes: Text[] = [];
  readonly #starts: number[] = [];
  #length = 0;

  constructor(root: Element) {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, (node) => {
      if (node instanceof Text) return NodeFilter.FILTER_ACCEPT;
      return isCompared(node as Element) ? NodeFilter.FILTER_SKIP : NodeFilter.FILTER_REJECT;
    });
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const text = node as Text;
      this.#nodes.push(text);
      this.#starts.push(this.#length);
      this.folded.add(text.data);
      this.#length += text.data.length;
    }
  }

  /** The offset at which the text of an element, or what comes after it, begins. */
  offsetOf(element: Element): number {
    const index = firstIndex(this.#nodes.length, (at) => {
      const node = this.#nodes[at];
      return !!node && (element.compareDocumentPosition(node) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0;
    });
    return this.#starts[index] ?? this.#length;
  }

  rangeOf({ start, end }: Span): Range {
    const range = document.createRange();
    const [first, from] = this.#pointAt(start);
    range.setStart(first, from);
    const [last, to] = this.#pointAt(end);
    const isPair = (last.data.codePointAt(to) ?? 0) > 0xffff;
    range.setEnd(last, to + (isPair ? 2 : 1));
    return range;
  }

  #pointAt(offset: number): [Text, number] {
    const index = firstIndex(this.#starts.length, (at) => (this.#starts[at] ?? 0) > offset) - 1;
    const node = this.#nodes[index];
    if (!node) throw new RangeError(`no text at ${offset}`);
    return [node, offset - (this.#starts[index] ?? 0)];
  }
}

/** The first index for which `holds` is true, as it is for all after it; `length` if there is none. */
function firstIndex(length: number, holds: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

function isCompared(element: Element): boolean {
  if (element.matches(NOT_COMPARED)) return false;
  return !element.hasAttribute("hidden") || element.matches(OPENABLE);
}

function canBeShown(node: Node): boolean {
  // A formula's TeX is not shown; the formula is.
  const shown = elementOf(node)?.closest(".katex, math") ?? node;
  const contents = document.createRange();
  contents.selectNodeContents(shown);
  return contents.getClientRects().length > 0 || !!elementOf(node)?.closest(OPENABLE);
}
