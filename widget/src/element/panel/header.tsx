import { useEffect, useRef } from "preact/hooks";
import { usePanel, type View } from "./context.js";
import { Icon } from "./icons.js";
import { useStore } from "./store.js";

const TITLES = { chat: "title", history: "history", account: "account" } as const;

/** The panel's title and what can be done with it as a whole. */
export function Header({ onNew }: { readonly onNew: () => void }) {
  const { chatgate, words, view: store, isInline, close } = usePanel();
  const view = useStore(store);
  const isSignedIn = useStore(chatgate.session.state).name === "signed_in";
  const hasTurns = useStore(chatgate.chat.state).turns.length > 0;
  const returnFocus = useReturnedFocus(view);
  const button = (
    name: "add" | "history" | "account" | "close" | "back",
    label: string,
    onClick: () => void,
  ) => (
    <button type="button" class="icon" data-view={name} aria-label={label} title={label} onClick={onClick}>
      <Icon name={name} />
    </button>
  );
  const go = (to: View) => store.setState(to, true);
  return (
    <header ref={returnFocus}>
      {view !== "chat" && button("back", words.say("back"), () => go("chat"))}
      <h2>{words.say(TITLES[view])}</h2>
      {view === "chat" && hasTurns && button("add", words.say("newChat"), onNew)}
      {view === "chat" && isSignedIn && button("history", words.say("history"), () => go("history"))}
      {view === "chat" &&
        isSignedIn &&
        chatgate.settings.auth !== "none" &&
        button("account", words.say("account"), () => go("account"))}
      {!isInline && button("close", words.say("close"), close)}
    </header>
  );
}

/** A view that opens takes the focus to its way back; one that closes returns it to the button that opened it. */
function useReturnedFocus(view: View) {
  const header = useRef<HTMLElement>(null);
  const before = useRef<View>(view);
  useEffect(() => {
    const from = before.current;
    before.current = view;
    if (from === view) return;
    const name = view === "chat" ? from : "back";
    const root = header.current?.getRootNode();
    // Opening a conversation or signing out has put the focus elsewhere; there it stays.
    const focused = root instanceof ShadowRoot ? root.activeElement : null;
    if (focused && view === "chat" && focused.matches("textarea")) return;
    header.current?.querySelector<HTMLElement>(`[data-view="${name}"]`)?.focus();
  }, [view]);
  return header;
}
