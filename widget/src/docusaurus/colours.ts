/** Colours code with the theme's own Prism, its languages and its colours for the mode that is on. */
import siteConfig from "@generated/docusaurus.config";
import * as renderer from "chatgate-prism";
import type { CodeLine } from "../element/contract.js";

type Style = Readonly<Record<string, string>>;

export interface PrismTheme {
  readonly plain: Style;
  readonly styles: readonly {
    readonly types: readonly string[];
    readonly style: Style;
    readonly languages?: readonly string[];
  }[];
}

export function colourCode(code: string, language: string): readonly CodeLine[] | null {
  const { Prism, normalizeTokens } = renderer;
  const grammar = Prism?.languages[language.toLowerCase()];
  const theme = themeNow();
  if (!Prism || !normalizeTokens || !grammar || !theme) return null;
  const styles = stylesOf(theme, language);
  const environment = { code, grammar, language, tokens: [] as unknown[] };
  Prism.hooks.run("before-tokenize", environment);
  environment.tokens = Prism.tokenize(code, grammar);
  Prism.hooks.run("after-tokenize", environment);
  return normalizeTokens(environment.tokens).map((line) =>
    line
      .filter((token) => !token.empty)
      .map((token) => ({
        text: token.content,
        style: Object.assign({}, ...token.types.map((type) => styles.get(type))),
      })),
  );
}

function themeNow(): PrismTheme | undefined {
  const { prism } = siteConfig.themeConfig;
  const isDark = document.documentElement.dataset.theme === "dark";
  return (isDark && prism?.darkTheme) || prism?.theme;
}

/** As prism-react-renderer reads a theme: a later entry wins, some are for certain languages. */
function stylesOf(theme: PrismTheme, language: string): ReadonlyMap<string, Style> {
  const styles = new Map<string, Style>([["plain", colourOf(theme.plain)]]);
  for (const { types, style, languages } of theme.styles) {
    if (languages && !languages.includes(language)) continue;
    for (const type of types) styles.set(type, { ...styles.get(type), ...style });
  }
  return styles;
}

// The block has its own background.
function colourOf({ backgroundColor: _, ...style }: Style): Style {
  return style;
}
