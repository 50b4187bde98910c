/** Opens elements that hide a part of the page: closed details, unselected tabs, and `hidden="until-found"`. */
import { elementOf } from "./blocks.js";
import { whenFound } from "./waiting.js";

/** Docusaurus takes 0.83 s to unfold 5,000 pixels. */
const SHOWN_MS = 2_000;

const HIDING = "details, [role=tabpanel], [hidden=until-found]";

/** Resolves when `node` is shown at its final place, or after two seconds. */
export async function reveal(node: Node): Promise<void> {
  const hiding: Element[] = [];
  for (let outer = elementOf(node); outer; outer = outer.parentElement) {
    if (outer.matches(HIDING)) hiding.unshift(outer);
  }
  for (const outer of hiding) open(outer, node);
  await whenFound(() => (isShown(node, hiding) ? true : null), SHOWN_MS);
}

/** While details unfold, their content already has its size and they themselves do not. */
function isShown(node: Node, hiding: readonly Element[]): boolean {
  const range = document.createRange();
  range.selectNodeContents(node);
  const [line] = range.getClientRects();
  return !!line && hiding.every((outer) => outer.getBoundingClientRect().bottom + 1 >= line.bottom);
}

function open(element: Element, node: Node): void {
  if (element instanceof HTMLDetailsElement) openDetails(element, node);
  else if (element.getAttribute("role") !== "tabpanel") element.removeAttribute("hidden");
  else if (element.getClientRects().length === 0) tabOf(element)?.click();
}

function openDetails(details: HTMLDetailsElement, node: Node): void {
  const summary = details.querySelector("summary");
  if (!summary || summary.contains(node)) return;
  // Docusaurus hides the content itself, and shows it for a click alone.
  const { collapsed } = details.dataset;
  if (collapsed === "true") summary.click();
  else if (collapsed === undefined) details.open = true;
}

/** The tab of a panel: the one that names it or is named by it, else the one at its place in the list. */
function tabOf(panel: Element): HTMLElement | null {
  const label = panel.getAttribute("aria-labelledby");
  const named = label && document.getElementById(label);
  if (named && named.role === "tab") return named;
  const panels = [...(panel.parentElement?.children ?? [])].filter(
    (one) => one.getAttribute("role") === "tabpanel",
  );
  let outer = panel.parentElement;
  while (outer && !outer.querySelector("[role=tablist]")) outer = outer.parentElement;
  const tabs = [
    ...(outer?.querySelector("[role=tablist]")?.querySelectorAll<HTMLElement>("[role=tab]") ?? []),
  ];
  const controlling = tabs.find((tab) => panel.id !== "" && tab.getAttribute("aria-controls") === panel.id);
  return controlling ?? tabs[panels.indexOf(panel)] ?? null;
}
