/**
 * The plugin in the browser. As a client module it needs no place in React's tree, so a site's own Root cannot
 * take the widget away.
 */
import codeTranslations from "@generated/codeTranslations";
import globalData from "@generated/globalData";
import type { WidgetOptions } from "../element/contract.js";
import { navigatorOf } from "./navigate.js";
import type { Site } from "./site.js";

type WidgetElement = HTMLElement & { options: WidgetOptions };

const PREFIX = "chatgate.";
const SUGGESTION = /^suggestion\.[1-8]$/;

const site = globalData["chatgate-widget"]?.default as Site;
const translated = Object.entries(codeTranslations)
  .filter(([id]) => id.startsWith(PREFIX))
  .map(([id, text]) => [id.slice(PREFIX.length), text] as const);

let loading: Promise<unknown> | undefined;
let element: WidgetElement | undefined;
let path = "";
let inlineWidgets = 0;

/** The plugin's options as the widget takes them, in the language of this locale. */
export function siteOptions(): WidgetOptions {
  const suggestions = translated.filter(([key]) => SUGGESTION.test(key)).map(([, text]) => text);
  return {
    ...site.options,
    ...(suggestions.length > 0 && { suggestions }),
    strings: {
      ...site.options.strings,
      ...Object.fromEntries(translated.filter(([key]) => !SUGGESTION.test(key))),
    },
    navigate: navigatorOf(site),
    colourCode: async (code, language) => (await import("./colours.js")).colourCode(code, language),
  };
}

/** The floating widget steps aside for one in a chapter, until the returned function is called. */
export function standInline(): () => void {
  inlineWidgets += 1;
  settle();
  return () => {
    inlineWidgets -= 1;
    settle();
  };
}

/** Called by Docusaurus after each change of the address, first when the page has been hydrated. */
export function onRouteDidUpdate({ location }: { location: { pathname: string } }): void {
  path = location.pathname;
  settle();
}

function settle(): void {
  if (!isWanted()) {
    element?.remove();
    return;
  }
  loading ??= import("chatgate-widget/element").then(() => customElements.whenDefined("chatgate-widget"));
  loading.then(show, (error) => console.error("[chatgate] The widget's script could not be loaded.", error));
}

function show(): void {
  if (!isWanted()) return;
  if (!element) {
    element = document.createElement("chatgate-widget") as WidgetElement;
    element.options = siteOptions();
  }
  if (!element.isConnected) document.body.append(element);
}

function isWanted(): boolean {
  if (path === "" || inlineWidgets > 0 || !site.isGlobal) return false;
  // As a site's owner writes it: below the base URL, and without the slash at the end.
  const route = `/${path.slice(site.baseUrl.length).replace(/\/$/, "")}`;
  const isOneOf = (sources: readonly string[]) => sources.some((source) => new RegExp(source).test(route));
  return (site.include.length === 0 || isOneOf(site.include)) && !isOneOf(site.exclude);
}
