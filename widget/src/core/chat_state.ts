/** The state of a conversation on the page, and every change of it. */
import type { Citation } from "./events.js";
import { normaliseMessage, normaliseSelection, troubleOfMessage, troubleOfSelection } from "./texts.js";
import { Trouble } from "./trouble.js";

export type Mode = "normal" | "selection_only";
export type Rating = "helpful" | "not_helpful";

/** The reader's selection on the page. `text` is normalised (texts.ts) and has `length` code points. */
export interface Passage {
  readonly text: string;
  readonly length: number;
  /** Path of the page it was selected on, and the id of the heading above it. */
  readonly path: string;
  readonly headingId: string | null;
}

export interface Question {
  readonly message: string;
  readonly mode: Mode;
  readonly passage: Passage | null;
}

export interface Answer {
  readonly state: "waiting" | "writing" | "done" | "stopped" | "failed";
  /** The Markdown that has arrived so far. */
  readonly text: string;
  readonly citations: readonly Citation[];
  /** The proxy's id of the answer; null until the answer begins. */
  readonly messageId: string | null;
  readonly trouble: Trouble | null;
  readonly rating: Rating | null;
}

export interface Turn {
  readonly id: number;
  readonly question: Question;
  readonly answer: Answer;
}

export interface ChatState {
  readonly sessionId: string | null;
  readonly turns: readonly Turn[];
  /** The text of the input, kept over sign-in and reload. */
  readonly draft: string;
  readonly mode: Mode;
  /** The passage that the next question is about. */
  readonly passage: Passage | null;
  /** The reason why the draft cannot be sent; null if it can, or is empty. */
  readonly draftTrouble: Trouble | null;
  /** A conversation is being opened from the history. */
  readonly isOpening: boolean;
}

export const WAITING: Answer = {
  state: "waiting",
  text: "",
  citations: [],
  messageId: null,
  trouble: null,
  rating: null,
};

export type Change =
  | { readonly type: "drafted"; readonly draft: string }
  | { readonly type: "mode_chosen"; readonly mode: Mode }
  | { readonly type: "passage_chosen"; readonly passage: Passage | null }
  | { readonly type: "asked"; readonly turn: Turn; readonly sessionId: string }
  | { readonly type: "asked_again"; readonly id: number }
  | {
      readonly type: "began";
      readonly id: number;
      readonly sessionId: string;
      readonly messageId: string | null;
    }
  | { readonly type: "wrote"; readonly id: number; readonly text: string }
  | { readonly type: "cited"; readonly id: number; readonly citation: Citation }
  | { readonly type: "finished"; readonly id: number }
  | { readonly type: "stopped"; readonly id: number }
  | { readonly type: "failed"; readonly id: number; readonly trouble: Trouble }
  | { readonly type: "rated"; readonly id: number; readonly rating: Rating | null }
  | { readonly type: "opening"; readonly isOpening: boolean }
  | { readonly type: "opened"; readonly sessionId: string; readonly turns: readonly Turn[] }
  | { readonly type: "refused"; readonly trouble: Trouble }
  | { readonly type: "emptied" };

export function begin(mode: Mode): ChatState {
  return {
    sessionId: null,
    turns: [],
    draft: "",
    mode,
    passage: null,
    draftTrouble: null,
    isOpening: false,
  };
}

export function isRunning(state: ChatState): boolean {
  return state.turns.some((turn) => isOpen(turn.answer));
}

function isOpen(answer: Answer): boolean {
  return answer.state === "waiting" || answer.state === "writing";
}

/** The state after `change`. A change of an answer that is over has no effect. */
export function changed(state: ChatState, change: Change): ChatState {
  switch (change.type) {
    case "drafted":
      return judged({ ...state, draft: change.draft });
    case "mode_chosen":
      return judged({ ...state, mode: change.mode });
    case "passage_chosen":
      return judged({ ...state, passage: change.passage });
    case "asked":
      return {
        ...state,
        sessionId: change.sessionId,
        turns: [...state.turns, change.turn],
        draft: "",
        draftTrouble: null,
      };
    case "asked_again":
      return ofTurn(state, change.id, (turn) => ({ ...turn, answer: WAITING }));
    case "began":
      return {
        ...ofOpen(state, change.id, (answer) => ({
          ...answer,
          state: "writing",
          messageId: change.messageId,
        })),
        sessionId: change.sessionId,
      };
    case "wrote":
      return ofOpen(state, change.id, (answer) => ({
        ...answer,
        state: "writing",
        text: answer.text + change.text,
      }));
    case "cited":
      return ofOpen(state, change.id, (answer) => ({
        ...answer,
        citations: [...answer.citations, change.citation],
      }));
    case "finished":
      return ofOpen(state, change.id, (answer) => ({ ...answer, state: "done" }));
    case "stopped":
      return ofOpen(state, change.id, (answer) => ({ ...answer, state: "stopped" }));
    case "failed":
      return ofOpen(state, change.id, (answer) => ({ ...answer, state: "failed", trouble: change.trouble }));
    case "rated":
      return ofTurn(state, change.id, (turn) => ({
        ...turn,
        answer: { ...turn.answer, rating: change.rating },
      }));
    case "opening":
      return { ...state, isOpening: change.isOpening };
    case "opened":
      return { ...state, sessionId: change.sessionId, turns: change.turns, isOpening: false };
    case "refused":
      return { ...state, draftTrouble: change.trouble };
    case "emptied":
      return {
        ...begin(state.mode),
        draft: state.draft,
        passage: state.passage,
        draftTrouble: state.draftTrouble,
      };
  }
}

function ofTurn(state: ChatState, id: number, make: (turn: Turn) => Turn): ChatState {
  return { ...state, turns: state.turns.map((turn) => (turn.id === id ? make(turn) : turn)) };
}

/** Changes an answer of a turn unless the answer is over. */
function ofOpen(state: ChatState, id: number, make: (answer: Answer) => Answer): ChatState {
  return ofTurn(state, id, (turn) => (isOpen(turn.answer) ? { ...turn, answer: make(turn.answer) } : turn));
}

function judged(state: ChatState): ChatState {
  return { ...state, draftTrouble: draftTrouble(state) };
}

/** The reason why the draft cannot be sent. An empty draft has none, and is not sent either. */
function draftTrouble(state: ChatState): Trouble | null {
  const message = normaliseMessage(state.draft);
  if (message === "") return null;
  if (state.mode === "selection_only" && state.passage === null)
    return new Trouble("invalid_selection", "The mode is selection_only and nothing is selected.");
  return (
    troubleOfMessage(message) ?? (state.passage && troubleOfSelection(normaliseSelection(state.passage.text)))
  );
}
