/** The text of a selection as a reader sees it, which is nearly the browser's own text of it. */
import { elementOf, NOT_TEXT, TEX } from "./blocks.js";
import { textsIn } from "./ranges.js";

/**
 * The browser applies `text-transform`, includes the numbers and buttons that a page puts beside its text, and
 * writes KaTeX's formulas twice, once a character a line. While the text is read, these rules stand: formulas are
 * their TeX then, and nothing is painted in between.
 */
const AS_WRITTEN = `
* { text-transform: none !important; }
.katex-mathml, .katex math, .katex math * { display: inline !important; position: static !important; }
${NOT_TEXT}, semantics > :not(${TEX}), .katex-html { display: none !important; }`;
/** The TeX is not in a selection that begins within the formula as it is shown. */
const FORMULA_AS_SHOWN = `
.katex-mathml { display: none !important; }
.katex-html { display: inline !important; }`;

const MENDED = `${NOT_TEXT}, .katex, ${TEX}`;
/** Text nodes whose style is looked at; a selection with more of them is far too long to be asked about. */
const MAX_LOOKED_AT = 20_000;

/** `ranges` are the selection's, more than one in Firefox only. */
export function selectedText(selection: Selection, ranges: readonly Range[]): string {
  // Firefox writes several ranges without anything in between.
  if (ranges.length > 1) return ranges.map(String).join("\n");
  const [range] = ranges;
  if (!range || !needsMending(range)) return selection.toString();
  const isWithinFormula = elementOf(range.startContainer)?.closest(".katex-html");
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(isWithinFormula ? AS_WRITTEN + FORMULA_AS_SHOWN : AS_WRITTEN);
  document.adoptedStyleSheets.push(sheet);
  try {
    return selection.toString();
  } finally {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet);
  }
}

function needsMending(range: Range): boolean {
  const root = elementOf(range.commonAncestorContainer);
  if (!root) return false;
  if (root.closest(MENDED)) return true;
  for (const element of root.querySelectorAll(MENDED)) if (range.intersectsNode(element)) return true;
  let parent: Element | null = null;
  let looked = 0;
  for (const { node } of textsIn(range)) {
    looked += 1;
    if (looked > MAX_LOOKED_AT) return false;
    if (node.parentElement === parent || !node.parentElement) continue;
    parent = node.parentElement;
    if (getComputedStyle(parent).textTransform !== "none") return true;
  }
  return false;
}
