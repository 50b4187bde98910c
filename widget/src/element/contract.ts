/** The interfaces between the parts of the element, and between the element and its adapters. */
import type { Options, Passage } from "../core/index.js";

/** A line of code as coloured pieces; `style` holds CSS properties by their names in camel case. */
export type CodeLine = readonly { readonly text: string; readonly style: Readonly<Record<string, string>> }[];

export interface WidgetOptions extends Options {
  /** BCP 47; the page's `lang` when left out, then English. */
  lang?: string | undefined;
  /** The site's words in place of ours, by key of `strings/en.ts`. */
  strings?: Readonly<Record<string, string>> | undefined;
  /** Questions to begin with, at most eight. */
  suggestions?: readonly string[] | undefined;
  /** CSS selector of the parts of a page that may be selected and quoted. */
  scope?: string | undefined;
  /** `floating`: a button in the corner. `inline`: the panel stands where the element stands. */
  placement?: "floating" | "inline" | undefined;
  /** Keys that ask about the selection, as in `Alt+Shift+A`; false for none. */
  shortcut?: string | false | undefined;
  /** Goes to an address of this site by the site's router. A full load when left out. */
  navigate?: ((url: string) => void) | undefined;
  /** Colours code as the site does; null where it has no grammar for the language. */
  colourCode?: ((code: string, language: string) => Promise<readonly CodeLine[] | null>) | undefined;
}

/** A selection on the page that may be asked about. */
export interface Candidate {
  /** Normalised; more than 12,000 code points are kept as they are, to be explained. */
  readonly passage: Passage;
  /** The selected range, for the highlight; it follows the DOM. */
  readonly ranges: readonly Range[];
  /** Viewport rectangle of the selection's last line. */
  readonly rect: DOMRectReadOnly;
}
