/** A page of the tests: what Docusaurus does to its parts, a router as late as its, and a widget's host. */
import * as page from "../../../../widget/src/element/page/index.js";
import { selectedText } from "../../../../widget/src/element/page/selected_text.js";

const SCOPE = "article, .theme-doc-markdown, main";
const BASE = "/my-book/";

class Host extends HTMLElement {
  readonly root = this.attachShadow({ mode: "open" });

  connectedCallback(): void {
    const answer = document.createElement("p");
    answer.textContent = "An answer in the widget.";
    const input = document.createElement("textarea");
    input.setAttribute("aria-label", "Question");
    const sheet = document.createElement("dialog");
    sheet.append("A sheet");
    this.root.append(answer, input, sheet);
  }
}
customElements.define("chatgate-widget", Host);

/** Docusaurus' Details: it shows its content itself, over two frames and a transition. */
function toggleDetails(event: Event): void {
  const summary = (event.target as Element).closest("summary");
  const details = summary?.closest<HTMLDetailsElement>("details[data-collapsed]");
  const content = summary?.nextElementSibling as HTMLElement | null;
  if (!details || !content) return;
  event.preventDefault();
  const isCollapsed = details.dataset.collapsed === "true";
  details.dataset.collapsed = String(!isCollapsed);
  if (!isCollapsed) return;
  details.open = true;
  requestAnimationFrame(() => {
    content.style.display = "block";
    requestAnimationFrame(() => {
      const isReduced = matchMedia("(prefers-reduced-motion: reduce)").matches;
      content.style.transition = `height ${isReduced ? 1 : 200}ms ease-in-out`;
      content.style.height = `${content.scrollHeight}px`;
    });
  });
  content.ontransitionend = () => {
    content.style.overflow = "visible";
    content.style.height = "auto";
  };
}

function chooseTab(event: Event): void {
  const tab = (event.target as Element).closest("[role=tab]");
  if (!tab?.parentElement) return;
  const controlled = tab.getAttribute("aria-controls");
  const place = [...tab.parentElement.children].indexOf(tab);
  const panels = tab.closest(".tabs-container, .aria-tabs")?.querySelectorAll("[role=tabpanel]") ?? [];
  panels.forEach((panel, index) => {
    panel.toggleAttribute("hidden", controlled ? panel.id !== controlled : index !== place);
  });
}

/** The address changes at once, and the page when it has been loaded; then it scrolls, as Docusaurus does. */
async function navigate(url: string): Promise<void> {
  history.pushState({}, "", url);
  const answer = await fetch(location.pathname);
  const loaded = new DOMParser().parseFromString(await answer.text(), "text/html");
  const [old, next] = [document, loaded].map((one) => one.querySelector("#__docusaurus"));
  if (!old || !next) throw new Error("no page");
  old.replaceWith(document.adoptNode(next));
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target) target.scrollIntoView();
  else window.scrollTo(0, 0);
}

document.addEventListener("click", (event) => {
  toggleDetails(event);
  chooseTab(event);
});

const host = document.querySelector<Host>("chatgate-widget");
if (!host) throw new Error("no widget");
const told: (string | null)[] = [];
const asked: string[] = [];
const words = { ask: document.documentElement.lang === "ar" ? "اسأل عن هذا" : "Ask about this", shortcut: "Alt+Shift+A" };
const button = page.selectionButton(host.root, words, ({ passage }) => asked.push(passage.text));
const unwatch = page.watchSelection({
  scope: SCOPE,
  onChange(candidate) {
    told.push(candidate?.passage.text ?? null);
    button.show(candidate);
  },
});
const landing = { scope: SCOPE, baseUrl: BASE, navigate };
const resumed = page.resumeLanding(landing);

Object.assign(window, {
  page,
  selectedText,
  told,
  asked,
  button,
  unwatch,
  landing,
  resumed,
  buttonBox: () => host.root.querySelector("button")?.getBoundingClientRect(),
  capture: () => page.captureSelection(SCOPE),
});
