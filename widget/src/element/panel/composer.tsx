import type { Ref } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import {
  type ChatState,
  countCodePoints,
  MAX_MESSAGE,
  MAX_SELECTION,
  type Mode,
  normaliseMessage,
  type Passage,
  type Turn,
} from "../../core/index.js";
import { warmMarkdown } from "./answer/text.js";
import { usePanel } from "./context.js";
import { Icon } from "./icons.js";
import { useStore } from "./store.js";

/** The length from which on the counter is shown. */
const NEAR_LIMIT = 400;
const TYPING_PAUSE = 1_000;

interface ComposerProps {
  readonly input: Ref<HTMLTextAreaElement>;
  readonly onSend: () => void;
}

/** The field for the question. The core holds the draft, the passage and the mode. */
export function Composer({ input, onSend }: ComposerProps) {
  const { chatgate } = usePanel();
  const state = useStore(chatgate.chat.state);
  const length = countCodePoints(normaliseMessage(state.draft) ?? state.draft);
  useNormalWithoutPassage(state);
  const canSend = length > 0 && length <= MAX_MESSAGE && state.draftTrouble === null;
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        onSend();
      }}
    >
      {state.passage && <Chip passage={state.passage} />}
      <div class="line">
        <Input input={input} state={state} onSend={onSend} />
        <SendButton isRunning={isAnswering(state)} canSend={canSend} />
      </div>
      <Refusal state={state} length={length} />
      <div class="tools">
        {chatgate.settings.mode === "both" && <ModeSwitch state={state} />}
        <Counter length={length} />
      </div>
    </form>
  );
}

interface SendButtonProps {
  readonly isRunning: boolean;
  readonly canSend: boolean;
}

/** Sends, or stops what is being answered: one button, which keeps the focus when it changes. */
function SendButton({ isRunning, canSend }: SendButtonProps) {
  const { chatgate, words } = usePanel();
  const label = words.say(isRunning ? "stop" : "send");
  const stop = (event: Event) => {
    if (!isRunning) return;
    event.preventDefault();
    chatgate.chat.stop();
  };
  return (
    <button
      type="submit"
      class="send"
      aria-label={label}
      title={label}
      aria-disabled={!isRunning && !canSend}
      onClick={stop}
    >
      <Icon name={isRunning ? "stop" : "send"} />
    </button>
  );
}

export function isAnswering({ turns }: ChatState): boolean {
  return turns.some(isUnfinished);
}

export function isUnfinished({ answer }: Turn): boolean {
  return answer.state === "waiting" || answer.state === "writing";
}

/** Sets the mode back when the passage has gone, if the site allows both: a question without one is of the book. */
function useNormalWithoutPassage({ mode, passage }: ChatState): void {
  const { chatgate } = usePanel();
  useEffect(() => {
    if (mode === "selection_only" && !passage && chatgate.settings.mode === "both") {
      chatgate.chat.setMode("normal");
    }
  }, [mode, passage, chatgate]);
}

/** The reason why the draft cannot be sent, if neither the counter nor the passage shows it. */
function Refusal({ state, length }: { readonly state: ChatState; readonly length: number }) {
  const { words } = usePanel();
  const code = state.draftTrouble?.code;
  if (code === "invalid_selection" && !state.passage)
    return <p class="refusal">{words.say("emptySelection")}</p>;
  if (code === "invalid_message" && length <= MAX_MESSAGE && state.draftTrouble) {
    return <p class="refusal over">{words.trouble(state.draftTrouble)}</p>;
  }
  return null;
}

interface InputProps extends ComposerProps {
  readonly state: ChatState;
}

function Input({ input, state, onSend }: InputProps) {
  const { chatgate, words } = usePanel();
  const own = useRef<HTMLTextAreaElement | null>(null);
  // The field holds what is typed; the state is written to it only where they differ, so that the caret and an
  // input method's composition are left alone.
  useLayoutEffect(() => {
    const field = own.current;
    if (!field) return;
    const { draft } = chatgate.chat.state.getState();
    if (field.value !== draft) field.value = draft;
    grow(field);
  });
  return (
    <textarea
      ref={(field) => {
        own.current = field;
        if (typeof input === "function") input(field);
        else if (input) input.current = field;
      }}
      rows={1}
      // An empty field that is `auto` is left to right; its placeholder is of the panel's language.
      dir={state.draft === "" ? undefined : "auto"}
      aria-label={words.say("inputLabel")}
      aria-invalid={state.draftTrouble !== null}
      placeholder={words.say(state.passage ? "placeholderPassage" : "placeholder")}
      enterkeyhint="send"
      onInput={(event) => {
        chatgate.chat.setDraft(event.currentTarget.value);
        void warmMarkdown();
      }}
      onKeyDown={(event) => {
        // 229 is what Safari sends for the Enter that ends a composition.
        if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
        event.preventDefault();
        onSend();
      }}
    />
  );
}

const HAS_FIELD_SIZING = typeof CSS !== "undefined" && CSS.supports("field-sizing", "content");

function grow(field: HTMLTextAreaElement): void {
  if (HAS_FIELD_SIZING) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}

function Counter({ length }: { readonly length: number }) {
  const { words, announce } = usePanel();
  const left = MAX_MESSAGE - length;
  const isShown = left <= NEAR_LIMIT;
  const text = left < 0 ? words.count("charsOver", -left) : words.count("charsLeft", left);
  useEffect(() => {
    if (!isShown) return;
    const timer = setTimeout(() => announce(text), TYPING_PAUSE);
    return () => clearTimeout(timer);
  }, [isShown, text, announce]);
  return isShown ? <span class={left < 0 ? "counter over" : "counter"}>{text}</span> : null;
}

function ModeSwitch({ state }: { readonly state: ChatState }) {
  const { chatgate, words } = usePanel();
  const choice = (mode: Mode, label: string) => (
    <button type="button" aria-pressed={state.mode === mode} onClick={() => chatgate.chat.setMode(mode)}>
      {label}
    </button>
  );
  // There is nothing to choose until a passage is selected.
  if (!state.passage) return null;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be laid out in a row in every browser
    <div class="switch" role="group" aria-label={words.say("modeLabel")}>
      {choice("normal", words.say("modeBook"))}
      {choice("selection_only", words.say("modePassage"))}
    </div>
  );
}

const SHOWN_PASSAGE = 160;

function Chip({ passage }: { readonly passage: Passage }) {
  const { chatgate, words } = usePanel();
  const isTooLong = passage.length > MAX_SELECTION;
  const remove = words.say("passageRemove");
  return (
    <div class={isTooLong ? "chip over" : "chip"}>
      <Icon name={isTooLong ? "warning" : "quote"} />
      <div>
        <span class="hidden">{words.say("passage")}: </span>
        <p class="excerpt" dir="auto">
          {passage.text.slice(0, SHOWN_PASSAGE)}
        </p>
        <p class="size">
          {isTooLong
            ? words.say("passageTooLong", { n: passage.length, max: MAX_SELECTION })
            : words.count("passageLength", passage.length)}
        </p>
      </div>
      <button
        type="button"
        class="icon small"
        aria-label={remove}
        title={remove}
        onClick={() => chatgate.chat.setPassage(null)}
      >
        <Icon name="close" />
      </button>
    </div>
  );
}
