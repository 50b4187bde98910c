/** The languages of the widget: which there are, which one fits, and its words, loaded when they are needed. */
import type { Strings } from "./en.js";

export type { Strings } from "./en.js";

const LOADERS = {
  en: () => import("./en.js").then((module) => module.en),
  de: () => import("./de.js").then((module) => module.de),
  es: () => import("./es.js").then((module) => module.es),
  fr: () => import("./fr.js").then((module) => module.fr),
  ar: () => import("./ar.js").then((module) => module.ar),
  ur: () => import("./ur.js").then((module) => module.ur),
  zh: () => import("./zh.js").then((module) => module.zh),
  ja: () => import("./ja.js").then((module) => module.ja),
} satisfies Record<string, () => Promise<Strings>>;

export type Language = keyof typeof LOADERS;

export const LANGUAGES = Object.keys(LOADERS) as readonly Language[];

/** Takes a BCP 47 tag by its primary language, as in `zh-Hant-TW`; English where it is none of ours. */
export function pickLanguage(tag: string): Language {
  const primary = tag.toLowerCase().split(/[-_]/)[0] as Language;
  return LANGUAGES.includes(primary) ? primary : "en";
}

/** Rejects when the language's chunk cannot be loaded. */
export async function loadStrings(tag: string, own: Readonly<Record<string, string>> = {}): Promise<Strings> {
  return { ...(await LOADERS[pickLanguage(tag)]()), ...own };
}
