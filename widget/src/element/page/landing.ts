/** Follows a citation to its page, and there to its quote. */
import { addressOf, isHere, isWithin, pathOf } from "./addresses.js";
import { blockOf, elementOf, namedBy } from "./blocks.js";
import { highlight } from "./highlight.js";
import { reveal } from "./opening.js";
import { findQuote } from "./quotes.js";
import { whenFound } from "./waiting.js";

export interface Landing {
  /** CSS selector of the elements that may be quoted. */
  readonly scope: string;
  /** Path under which the site lives, as in `/my-book/`. Other paths of the origin are another site's. */
  readonly baseUrl: string;
  /** Goes to a path of this site by the site's router. A full load when left out. */
  readonly navigate?: ((url: string) => void) | undefined;
}

export interface Cited {
  readonly url: string;
  readonly quote: string;
}

/**
 * The place to which the reader was taken: the quote, the heading above it, or its page; `away` for an address of
 * another site, which opens in a new tab; `refused` for anything but http and https.
 */
export type Landed = "quote" | "heading" | "page" | "away" | "refused";

/** A router may have to load the page first. */
const PAGE_MS = 10_000;
/** A part of the page that comes late, such as one that the server did not render. */
const LATE_MS = 1_500;
const KEPT = "chatgate-landing";

let latest: object | null = null;
let unmark = () => {};

/** Follows a citation. A later call ends an earlier one, which is then at its page. */
export async function landOn(citation: Cited, landing: Landing): Promise<Landed> {
  const url = addressOf(citation.url);
  if (!url) return "refused";
  if (!isWithin(url, landing.baseUrl)) {
    window.open(url.href, "_blank", "noopener");
    return "away";
  }
  const turn = begin();
  if (isHere(url)) {
    // Not by the router, which would scroll to the heading some time later. Back leads to where the reader was.
    if (url.hash !== "" && url.hash !== location.hash) history.pushState(history.state, "", url);
    return arrive(turn, url, citation.quote, landing, false);
  }
  if (!landing.navigate) {
    keep(citation);
    location.assign(url);
    return "page";
  }
  const old = document.querySelector(landing.scope);
  const before = old?.textContent;
  const path = location.pathname;
  // A router knows the pages of its own build: for those of another locale it leaves this page.
  keep(citation);
  landing.navigate(pathOf(url));
  await whenFound(() => {
    const scope = document.querySelector(landing.scope);
    const isNew = scope !== null && (scope !== old || scope.textContent !== before);
    // A router may change the address long before the page, and the site may lead on to another address.
    return location.pathname !== path && isNew ? true : null;
  }, PAGE_MS);
  takeKept();
  return arrive(turn, url, citation.quote, landing, true);
}

/** Finishes what `landOn` began before the page was loaded; null if it began nothing. Call it once per load. */
export async function resumeLanding(landing: Landing): Promise<Landed | null> {
  const citation = takeKept();
  const url = citation && addressOf(citation.url);
  if (!url || !isWithin(url, landing.baseUrl) || !isHere(url)) return null;
  const turn = begin();
  await whenFound(() => document.querySelector(landing.scope), PAGE_MS);
  return arrive(turn, url, citation.quote, landing, true);
}

function begin(): object {
  unmark();
  latest = {};
  return latest;
}

async function arrive(
  turn: object,
  url: URL,
  quote: string,
  landing: Landing,
  isNewPage: boolean,
): Promise<Landed> {
  const fragment = url.hash.slice(1);
  const ranges = await whenFound(
    () => quoted(quote, fragment, landing),
    isNewPage && quote !== "" ? LATE_MS : 0,
  );
  if (turn !== latest) return "page";
  const [first] = ranges ?? [];
  const heading = namedBy(fragment);
  const target = first?.startContainer ?? heading;
  if (!target) return "page";
  await reveal(target);
  if (turn !== latest) return "page";
  const isStill = isNewPage || matchMedia("(prefers-reduced-motion: reduce)").matches;
  const behavior = isStill ? "instant" : "smooth";
  if (!first || !ranges) {
    elementOf(target)?.scrollIntoView({ block: "start", behavior });
    focusOn(heading);
    return "heading";
  }
  unmark = highlight("chatgate-quote", ranges);
  focusOn(blockOf(target));
  scrollTo(first, behavior);
  return "quote";
}

function quoted(quote: string, fragment: string, { scope }: Landing): readonly Range[] | null {
  const heading = namedBy(fragment);
  const root = heading?.closest(scope) ?? document.querySelector(scope);
  const ranges = root ? findQuote(root, quote, heading) : [];
  return ranges.length > 0 ? ranges : null;
}

/** Scrolls to the first line of the range: its element may be higher than the window. */
function scrollTo(range: Range, behavior: ScrollBehavior): void {
  const element = elementOf(range.startContainer);
  const isHigh = (element?.getBoundingClientRect().height ?? 0) > window.innerHeight / 2;
  element?.scrollIntoView({
    block: isHigh ? "nearest" : "center",
    inline: "nearest",
    behavior: isHigh ? "instant" : behavior,
  });
  const [line] = range.getClientRects();
  if (!isHigh || !line) return;
  window.scrollBy({ top: line.top + line.height / 2 - window.innerHeight / 2, behavior });
}

/** Focuses an element, so that a screen reader reads on from there. It stays focusable only while focused. */
function focusOn(element: Element | null): void {
  if (!(element instanceof HTMLElement)) return;
  if (!element.hasAttribute("tabindex")) {
    element.setAttribute("tabindex", "-1");
    element.addEventListener("blur", () => element.removeAttribute("tabindex"), { once: true });
  }
  element.focus({ preventScroll: true });
}

function keep(citation: Cited): void {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify({ url: citation.url, quote: citation.quote }));
  } catch {
    // Storage is denied or full: the page opens all the same, at its heading.
  }
}

function takeKept(): Cited | null {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
    sessionStorage.removeItem(KEPT);
    return isCited(kept) ? kept : null;
  } catch {
    return null;
  }
}

function isCited(value: unknown): value is Cited {
  const { url, quote } = (value ?? {}) as Partial<Record<keyof Cited, unknown>>;
  return typeof url === "string" && typeof quote === "string";
}
