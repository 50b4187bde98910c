/** Highlights on the page by the CSS Custom Highlight API: nothing of the DOM changes. */

export type HighlightName = "chatgate-passage" | "chatgate-quote";

// A colour of the text beside each background, so that code in the colours of a dark theme stays readable.
// `light-dark` follows the page's `color-scheme`; a browser that does not know it takes the line before.
const RULES = `
::highlight(chatgate-passage) {
  background-color: #cfe3ff; background-color: light-dark(#cfe3ff, #1d4477);
  color: #14181f; color: light-dark(#14181f, #fff);
}
::highlight(chatgate-quote) {
  background-color: #ffe58a; background-color: light-dark(#ffe58a, #6b5200);
  color: #14181f; color: light-dark(#14181f, #fff);
}
@media (forced-colors: active) {
  ::highlight(chatgate-passage) { background-color: Highlight; color: HighlightText; }
  ::highlight(chatgate-quote) { background-color: Mark; color: MarkText; }
}`;

let isStyled = false;

/**
 * Highlights ranges under a name until the returned function is called, or until the page has replaced what is
 * in them. Does nothing in a browser without the API.
 */
export function highlight(name: HighlightName, ranges: readonly Range[]): () => void {
  if (!("highlights" in CSS) || ranges.length === 0) return () => {};
  addRules();
  const marked = CSS.highlights.get(name) ?? new Highlight();
  for (const range of ranges) marked.add(range);
  CSS.highlights.set(name, marked);
  const remove = () => {
    replaced.disconnect();
    for (const range of ranges) marked.delete(range);
    if (marked.size === 0 && CSS.highlights.get(name) === marked) CSS.highlights.delete(name);
  };
  // A range that navigation has collapsed would stay registered for as long as the page lives.
  const replaced = new MutationObserver(() => {
    if (ranges.every((range) => range.collapsed || !range.startContainer.isConnected)) remove();
  });
  replaced.observe(document, { childList: true, subtree: true, characterData: true });
  return remove;
}

function addRules(): void {
  if (isStyled) return;
  isStyled = true;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(RULES);
  document.adoptedStyleSheets.push(sheet);
}
