/** The parts of a page: its blocks and headings, and elements whose text is not its author's. */

/** Elements without prose: those of HTML, and those of Docusaurus and its like. */
export const NOT_TEXT = [
  "script, style, noscript, template, button, select, textarea, chatgate-widget",
  ".hash-link, .linenos, .line-number, .line-numbers, .lineno",
  // A footnote's number in the text, and the arrow back to it.
  "[data-footnote-ref], .footnote-ref, [data-footnote-backref]",
].join();
/** The source of a formula, which KaTeX and its like put beside what they show. */
export const TEX = "[encoding$=tex]";

const BLOCKS =
  "h1, h2, h3, h4, h5, h6, p, li, td, th, dt, dd, pre, blockquote, figcaption, summary, details, section, div, article, main";
const HEADINGS = "h1, h2, h3, h4, h5, h6";

export function elementOf(node: Node): Element | null {
  return node instanceof Element ? node : node.parentElement;
}

/** The block that a node stands in, or is; for a line of code all of the code. */
export function blockOf(node: Node): Element | null {
  const element = elementOf(node);
  return element?.closest("pre") ?? element?.closest(BLOCKS) ?? null;
}

/** The id of the last heading of `scope` that begins before `node`, or holds it; null where it has none. */
export function headingIdBefore(node: Node, scope: Element): string | null {
  let last: Element | null = null;
  for (const heading of scope.querySelectorAll(HEADINGS)) {
    const isBefore =
      heading.contains(node) || node.compareDocumentPosition(heading) & Node.DOCUMENT_POSITION_PRECEDING;
    if (!isBefore) break;
    last = heading;
  }
  const anchor = last?.querySelector("a[id], a[name]");
  return last?.id || anchor?.id || anchor?.getAttribute("name") || null;
}

/** The element that a fragment names: a heading, or the anchor in one. */
export function namedBy(fragment: string): Element | null {
  if (fragment === "") return null;
  const id = decoded(fragment);
  const named = document.getElementById(id) ?? document.getElementsByName(id)[0];
  return named?.closest(HEADINGS) ?? named ?? null;
}

function decoded(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}
