import type { RefObject } from "preact";
import { useCallback, useEffect, useRef } from "preact/hooks";
import type { Trouble } from "../../core/index.js";
import { Account } from "./account/account.js";
import { Gate } from "./account/gate.js";
import { Composer } from "./composer.js";
import { Panel, type PanelContext, usePanel } from "./context.js";
import { Header } from "./header.js";
import { History } from "./history.js";
import { Icon } from "./icons.js";
import { Log } from "./log.js";
import { useStore } from "./store.js";

export function App({ panel }: { readonly panel: PanelContext }) {
  return (
    <Panel.Provider value={panel}>
      <Content />
    </Panel.Provider>
  );
}

function Content() {
  const { chatgate, view: store, words } = usePanel();
  const view = useStore(store);
  const input = useRef<HTMLTextAreaElement>(null);
  const foot = useRef<HTMLDivElement>(null);
  const send = useSending(foot);
  const wantsInput = useRef(false);
  const backToInput = () => {
    wantsInput.current = true;
    store.setState("chat", true);
  };
  useEffect(() => {
    // The focus is set after rendering, because a hidden field takes no focus.
    if (view === "chat" && wantsInput.current) input.current?.focus();
    wantsInput.current = false;
  }, [view]);
  const isChat = view === "chat";
  return (
    <>
      <Header
        onNew={() => {
          chatgate.chat.reset();
          input.current?.focus();
        }}
      />
      {view === "history" && <History onOpened={backToInput} />}
      {view === "account" && <Account onSignedOut={backToInput} />}
      {/* Hidden rather than taken away: the place in the log and the caret in the input stay. */}
      <div class="chat" hidden={!isChat}>
        <Log
          onSuggestion={(question) => {
            const { draft } = chatgate.chat.state.getState();
            chatgate.chat.setDraft(question);
            input.current?.focus();
            send();
            // The suggestion was sent, and the draft that was being typed stays.
            if (chatgate.chat.state.getState().draft === "") chatgate.chat.setDraft(draft);
          }}
        />
        <div class="foot" ref={foot}>
          <Gate />
          <Composer input={input} onSend={send} />
          <p class="fine">{words.say("disclaimer")}</p>
        </div>
      </div>
    </>
  );
}

/** Sends the draft, or shows why it cannot be sent yet. A draft that is submitted during a sign-in is sent after
 * it, unless it was changed since. */
function useSending(foot: RefObject<HTMLElement | null>): () => void {
  const { chatgate, words, announce } = usePanel();
  const session = useStore(chatgate.session.state);
  const waiting = useRef<string | null>(null);
  const leadToSignIn = useCallback(() => {
    announce(words.say("signInFirst"));
    foot.current?.querySelector<HTMLElement>("[data-sign-in]")?.focus();
  }, [announce, words, foot]);
  useEffect(() => {
    const isSame = waiting.current === chatgate.chat.state.getState().draft;
    if (session.name === "signed_in" && isSame) void chatgate.chat.ask();
    // The draft was submitted while the session was still being checked.
    if (session.name === "signed_out" && session.because === "never" && isSame) leadToSignIn();
    if (session.name === "signed_in" || session.name === "signed_out") waiting.current = null;
  }, [session, chatgate, leadToSignIn]);
  return () => {
    const now = chatgate.session.state.getState();
    if (now.name === "signed_in") void chatgate.chat.ask();
    else if (now.name === "signed_out") leadToSignIn();
    else {
      if (now.name === "signing_in") announce(words.say("signingInPopup"));
      waiting.current = chatgate.chat.state.getState().draft;
    }
  };
}

/** Stands in the panel's place where the options cannot work. */
export function Broken({
  panel,
  trouble,
}: {
  readonly panel: Pick<PanelContext, "words" | "isInline" | "close">;
  readonly trouble: Trouble;
}) {
  const { words, isInline, close } = panel;
  return (
    <>
      <header>
        <h2>{words.say("title")}</h2>
        {!isInline && (
          <button type="button" class="icon" aria-label={words.say("close")} onClick={close}>
            <Icon name="close" />
          </button>
        )}
      </header>
      <div class="view">
        <div class="notice">
          <Icon name="warning" />
          <p>{words.trouble(trouble)}</p>
        </div>
      </div>
    </>
  );
}
