/** The part of a chat that a tab keeps over a reload and over a sign-in that replaces the page. */
import type { ChatState, Mode, Passage } from "./chat_state.js";
import { chatKey, signOutKey } from "./namespace.js";

export interface KeptChat {
  readonly sessionId: string | null;
  readonly draft: string;
  readonly mode: Mode | null;
  readonly passage: Passage | null;
}

export function keepChat(namespace: string, state: ChatState): void {
  const { sessionId, mode, passage } = state;
  const draft = state.draft || unanswered(state);
  const since = lastSignOut(namespace);
  try {
    sessionStorage.setItem(chatKey(namespace), JSON.stringify({ sessionId, draft, mode, passage, since }));
  } catch {
    // Storage is denied or full: only the page remembers the chat.
  }
}

/** The last question if it has no answer yet: the proxy keeps answered questions only. */
export function unanswered({ turns }: ChatState): string {
  const last = turns.at(-1);
  const isOver = last?.answer.state === "done" || last?.answer.state === "stopped";
  return last && !isOver ? last.question.message : "";
}

export function keptChat(namespace: string): KeptChat {
  let kept: Record<string, unknown> = {};
  try {
    kept = JSON.parse(sessionStorage.getItem(chatKey(namespace)) ?? "{}") ?? {};
  } catch {
    // As above, or another script of this origin wrote it.
  }
  // The reader has signed out since, in another tab: the next person at this computer must not see it.
  if (kept.since !== lastSignOut(namespace)) kept = {};
  return {
    sessionId: typeof kept.sessionId === "string" ? kept.sessionId : null,
    draft: typeof kept.draft === "string" ? kept.draft : "",
    mode: kept.mode === "normal" || kept.mode === "selection_only" ? kept.mode : null,
    passage: isPassage(kept.passage) ? kept.passage : null,
  };
}

/** Tells the tabs that would not hear of the sign-out, as the widget is not loaded there yet. */
export function markSignOut(namespace: string): void {
  try {
    localStorage.setItem(signOutKey(namespace), crypto.randomUUID());
  } catch {
    // Storage is denied, and then no tab keeps a chat either.
  }
}

function lastSignOut(namespace: string): string {
  try {
    return localStorage.getItem(signOutKey(namespace)) ?? "";
  } catch {
    return "";
  }
}

function isPassage(value: unknown): value is Passage {
  if (typeof value !== "object" || value === null) return false;
  const { text, length, path, headingId } = value as Record<string, unknown>;
  return (
    typeof text === "string" &&
    typeof length === "number" &&
    typeof path === "string" &&
    (headingId === null || typeof headingId === "string")
  );
}
