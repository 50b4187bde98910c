/** Announces events to screen readers, and reports troubles to the owner: each once, and never each word. */
import type { ChatState, SessionState, Turn } from "../../core/index.js";
import type { PanelContext } from "./context.js";

const START = 160;

/** Listens until the returned function is called. */
export function narrate(panel: PanelContext): () => void {
  const { chat, session } = panel.chatgate;
  const ends = [
    chat.state.subscribe((now, before) => {
      if (now.turns !== before.turns) tellTurns(panel, now, before);
    }),
    session.state.subscribe((now, before) => tellSession(panel, now, before)),
  ];
  return () => {
    for (const end of ends) end();
  };
}

function tellTurns(panel: PanelContext, now: ChatState, before: ChatState): void {
  now.turns.forEach((turn, index) => {
    const earlier = before.turns[index];
    if (earlier?.question !== turn.question || earlier.answer.state === turn.answer.state) return;
    tellAnswer(panel, turn);
  });
}

function tellAnswer({ words, announce, report }: PanelContext, { answer }: Turn): void {
  if (answer.state === "waiting") announce(words.say("waiting"));
  if (answer.state === "done") announce(words.say("finished", { start: spoken(answer.text) }));
  if (answer.state === "stopped") announce(words.say("stopped"));
  if (answer.state === "failed" && answer.trouble) {
    report(answer.trouble);
    announce(words.trouble(answer.trouble));
  }
}

function tellSession(
  { words, announce, report, view }: PanelContext,
  now: SessionState,
  before: SessionState,
): void {
  if (now.name === before.name) return;
  if (now.name === "signed_in" && now.as === "reader" && before.name === "signing_in")
    announce(words.say("signedIn"));
  if (now.name === "signing_in" && now.by === "popup") announce(words.say("signingInPopup"));
  if (now.name !== "signed_out") return;
  // A list that is still shown belongs to the reader who has left.
  if (view.getState() === "history") view.setState("chat", true);
  if (now.trouble) report(now.trouble);
  if (now.because === "reader" || now.because === "there") announce(words.say("signedOut"));
  else if (now.trouble) announce(words.trouble(now.trouble));
}

/** The first words of an answer, as they would be read out. */
export function spoken(markdown: string): string {
  const text = markdown
    .slice(0, START * 4)
    .replace(/^(```|~~~)[\s\S]*?(?:\n\1[^\n]*(?:\n|$)|$(?![\s\S]))/gm, "")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/^[ \t|:-]+$/gm, "")
    .replace(/[*_`#>|]+/g, "")
    .replace(/\s+/g, " ")
    .trim();
  if (text.length <= START) return text;
  const end = text.lastIndexOf(" ", START);
  return `${text.slice(0, end > START / 2 ? end : START)} …`;
}
