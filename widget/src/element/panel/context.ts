/** The context of every part of the panel: the core, the words, and the panel's own few functions. */
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { StoreApi } from "zustand/vanilla";
import type { Browsing, Chatgate, Trouble } from "../../core/index.js";
import type { WidgetOptions } from "../contract.js";
import type { Words } from "./words.js";

export type View = "chat" | "history" | "account";

export interface PanelContext {
  readonly chatgate: Chatgate;
  readonly words: Words;
  readonly browsing: Browsing;
  readonly isInline: boolean;
  readonly view: StoreApi<View>;
  /** The options as they are now; functions among them may change. */
  options(): WidgetOptions;
  /** Announces `text` to screen readers. */
  announce(text: string): void;
  /** Tells the owner of a trouble, in the console, once each. */
  report(trouble: Trouble): void;
  /** Goes to an address of this site and to the quote on its page. */
  follow(url: string, quote: string): void;
  close(): void;
}

export const Panel = createContext<PanelContext | null>(null);

export function usePanel(): PanelContext {
  const panel = useContext(Panel);
  if (!panel) throw new Error("a part of the panel stands outside of it");
  return panel;
}
