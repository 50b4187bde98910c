/** The reader's conversations of the last 24 hours at this site, as the proxy keeps them. */
import { type Answer, type Question, type Rating, type Turn, WAITING } from "./chat_state.js";
import { type Citation, citationOf, ratedBy } from "./events.js";
import type { Requests } from "./requests.js";
import { countCodePoints } from "./texts.js";
import { Trouble } from "./trouble.js";

/** A conversation as the history lists it. `updatedAt` is milliseconds since the epoch. */
export interface ConversationEntry {
  readonly sessionId: string;
  readonly title: string;
  readonly updatedAt: number;
}

export interface History {
  /** The latest first. Rejects with Trouble. */
  list(): Promise<readonly ConversationEntry[]>;
  /** Deletes a conversation, which may be gone already. Rejects with Trouble. */
  delete(sessionId: string): Promise<void>;
}

export interface Conversations extends History {
  /** The turns of a conversation, the oldest first. Rejects with Trouble. */
  read(sessionId: string): Promise<readonly Turn[]>;
  /** Rates an answer; null takes the rating back. Rejects with Trouble. */
  rate(sessionId: string, messageId: string, rating: Rating | null): Promise<void>;
}

type Members = Readonly<Record<string, unknown>>;

export function createHistory(requests: Requests): Conversations {
  return {
    async list() {
      const answer = await requests.send({ method: "GET", path: "/sessions", what: "Listing conversations" });
      return listOf(await bodyOf(answer), "sessions").map((one) => ({
        sessionId: String(one.session_id),
        title: String(one.title),
        updatedAt: Number(one.updated_at),
      }));
    },

    async delete(sessionId) {
      try {
        await requests.send({ method: "DELETE", path: pathOf(sessionId), what: "Deleting a conversation" });
      } catch (error) {
        if (!(error instanceof Trouble && error.code === "not_found")) throw error;
      }
    },

    async read(sessionId) {
      const answer = await requests.send({
        method: "GET",
        path: pathOf(sessionId),
        what: "Opening a conversation",
      });
      return turnsOf(listOf(await bodyOf(answer), "messages"));
    },

    async rate(sessionId, messageId, rating) {
      await requests.send({
        method: "POST",
        path: `${pathOf(sessionId)}/feedback`,
        body: { message_id: messageId, rating },
        what: "Rating an answer",
      });
    },
  };
}

/** Stored messages as turns: each question with the answer that follows it. Ids count from 1. */
export function turnsOf(messages: readonly Members[]): Turn[] {
  const turns: Turn[] = [];
  let question: Question | null = null;
  for (const message of messages) {
    if (message.role === "user") question = questionOf(message);
    else if (question !== null) {
      turns.push({ id: turns.length + 1, question, answer: answerOf(message) });
      question = null;
    }
  }
  return turns;
}

function questionOf(message: Members): Question {
  const text = message.selected_text;
  return {
    message: String(message.content),
    mode: message.mode === "selection_only" ? "selection_only" : "normal",
    passage:
      typeof text === "string" ? { text, length: countCodePoints(text), path: "", headingId: null } : null,
  };
}

function answerOf(message: Members): Answer {
  const citations: Citation[] = [];
  if (Array.isArray(message.citations)) for (const one of message.citations) citations.push(citationOf(one));
  const rating = message.feedback;
  return {
    ...WAITING,
    state: "done",
    text: String(message.content),
    citations,
    messageId: typeof message.message_id === "string" ? ratedBy(message) : null,
    rating: rating === "helpful" || rating === "not_helpful" ? rating : null,
  };
}

function pathOf(sessionId: string): string {
  return `/sessions/${encodeURIComponent(sessionId)}`;
}

async function bodyOf(answer: Response): Promise<Members> {
  try {
    return await answer.json();
  } catch {
    throw new Trouble("unexpected", `The answer of ${answer.url} is not JSON.`);
  }
}

function listOf(body: Members, name: string): readonly Members[] {
  const list = body?.[name];
  if (!Array.isArray(list)) throw new Trouble("unexpected", `The answer lacks the list \`${name}\`.`);
  return list;
}
