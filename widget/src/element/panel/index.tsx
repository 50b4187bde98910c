/** The panel, which is loaded when a reader opens the widget for the first time. */
import { render } from "preact";
import { createStore } from "zustand/vanilla";
import { type Chatgate, createChatgate, Trouble } from "../../core/index.js";
import type { Candidate, WidgetOptions } from "../contract.js";
import { loadStrings, pickLanguage } from "../strings/index.js";
import { App, Broken } from "./app.js";
import { browsingIn } from "./browsing.js";
import type { PanelContext, View } from "./context.js";
import { Frame } from "./frame/frame.js";
import { narrate } from "./narrate.js";
import { PassageOnPage } from "./passage.js";
import { siteBase } from "./site.js";
import { Words } from "./words.js";

export interface PanelHost {
  readonly root: ShadowRoot;
  readonly isInline: boolean;
  readonly lang: string;
  /** CSS selector of the elements that may be selected and quoted. */
  readonly scope: string;
  options(): WidgetOptions;
  /** The panel was closed; the focus may return to where it came from. */
  onClose(): void;
}

export interface MountedPanel {
  /** Shows the panel, about a selected passage if one is given, and puts the focus into the input. */
  open(candidate?: Candidate | null): void;
  close(): void;
  /** Removes the panel and all its listeners. */
  remove(): void;
}

/** Rejects when the language cannot be loaded. Options that cannot work are explained in the panel. */
export async function mountPanel(host: PanelHost): Promise<MountedPanel> {
  const options = host.options();
  const lang = pickLanguage(host.lang);
  const words = new Words(lang, await loadStrings(lang, options.strings));
  const view = createStore<View>(() => "chat");
  const frame = new Frame(
    host.root,
    host.isInline,
    words,
    () => stepBack(view, close),
    () => close(),
  );
  const close = () => {
    if (frame.hide()) host.onClose();
  };
  const chatgate = created(options);
  if (chatgate instanceof Trouble) {
    report(chatgate);
    render(<Broken panel={{ words, isInline: host.isInline, close }} trouble={chatgate} />, frame.content);
    return { open: () => frame.show(), close, remove: () => removeAll(frame, []) };
  }
  const reported = new WeakSet<Trouble>();
  const panel: PanelContext = {
    chatgate,
    words,
    browsing: browsingIn(lang),
    view,
    isInline: host.isInline,
    options: host.options,
    announce: (text) => frame.announce(text),
    report(trouble) {
      if (!reported.has(trouble)) report(trouble);
      reported.add(trouble);
    },
    follow: (url, quote) => void follow(panel, host, frame, url, quote),
    close,
  };
  const passage = new PassageOnPage(chatgate.chat);
  const stopNarrating = narrate(panel);
  const stopFollowing = followAtReturn(chatgate);
  render(<App panel={panel} />, frame.content);
  void chatgate.start();
  return {
    open(candidate) {
      view.setState("chat", true);
      if (candidate) {
        passage.take(candidate, chatgate.settings.mode);
        panel.announce(words.say("passageTaken"));
      }
      frame.show();
      void chatgate.session.follow();
      frame.content.querySelector("textarea")?.focus();
    },
    close,
    remove: () =>
      removeAll(frame, [stopNarrating, stopFollowing, () => passage.end(), () => chatgate.close()]),
  };
}

function created(options: WidgetOptions): Chatgate | Trouble {
  try {
    return createChatgate(options);
  } catch (error) {
    if (error instanceof Trouble) return error;
    throw error;
  }
}

function report(trouble: Trouble): void {
  console.warn(`[chatgate] ${trouble.advice}`);
}

/** A reader who comes back to the page may have changed the account at the site elsewhere. */
function followAtReturn({ session }: Chatgate): () => void {
  const ending = new AbortController();
  const { signal } = ending;
  const follow = () => {
    if (document.visibilityState === "visible") void session.follow();
  };
  document.addEventListener("visibilitychange", follow, { signal });
  addEventListener("focus", follow, { signal });
  addEventListener("pageshow", follow, { signal });
  return () => ending.abort();
}

function removeAll(frame: Frame, ends: readonly (() => void)[]): void {
  render(null, frame.content);
  frame.remove();
  for (const end of ends) end();
}

/** Handles Escape: it closes a view over the conversation first, then the panel. */
function stepBack(view: PanelContext["view"], close: () => void): void {
  if (view.getState() === "chat") close();
  else view.setState("chat", true);
}

/** Follows a citation. A sheet that covers the page is closed first. */
async function follow(panel: PanelContext, host: PanelHost, frame: Frame, url: string, quote: string) {
  const { words, announce, options } = panel;
  const { landOn } = await import("../page/index.js");
  if (frame.isSheet) panel.close();
  const { navigate } = options();
  const baseUrl = new URL(siteBase(options())).pathname;
  const landed = await landOn({ url, quote }, { scope: host.scope, baseUrl, navigate });
  if (landed === "away" || landed === "refused") return;
  const isQuoted = quote !== "";
  announce(
    words.say(
      !isQuoted || landed === "page" ? "landedPage" : landed === "quote" ? "landedQuote" : "landedHeading",
    ),
  );
}
