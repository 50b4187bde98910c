/** The plugin's data for the pages of one locale. It is passed as JSON. */
import picomatch from "picomatch";
import type { WidgetOptions } from "../element/contract.js";
import type { LoadContext } from "./host.js";
import type { CheckedOptions } from "./options.js";

export interface Site {
  readonly options: WidgetOptions;
  readonly isGlobal: boolean;
  /** Regular expressions of paths without the base URL; all paths where there is none. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** Path of the element's script. */
  readonly script: string;
  /** The base URL of the locale that this build is for. */
  readonly baseUrl: string;
  /** The base URLs of all locales: each is a site of its own to the router. */
  readonly baseUrls: readonly string[];
}

/** `script` is the path of the element's script below the base URL. */
export function siteOf({ siteConfig, i18n }: LoadContext, options: CheckedOptions, script: string): Site {
  const { id: _, global: isGlobal, include, exclude, callbackPath, ...given } = options;
  const locales = i18n.localeConfigs;
  return {
    options: {
      ...given,
      lang: given.lang ?? locales[i18n.currentLocale]?.htmlLang ?? i18n.currentLocale,
      callbackUrl: siteConfig.baseUrl + callbackPath,
      // Readers stay signed in from one locale to the next, so what is kept is named after one of them.
      baseUrl: locales[i18n.defaultLocale]?.baseUrl ?? siteConfig.baseUrl,
    },
    isGlobal,
    include: include.map(sourceOf),
    exclude: exclude.map(sourceOf),
    script: siteConfig.baseUrl + script,
    baseUrl: siteConfig.baseUrl,
    baseUrls: Object.values(locales).map((locale) => locale.baseUrl),
  };
}

function sourceOf(pattern: string): string {
  const plain = pattern.length > 1 ? pattern.replace(/\/$/, "") : pattern;
  return picomatch.makeRe(plain, { dot: true }).source;
}
