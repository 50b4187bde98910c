/** A chat: the reader's actions on a conversation, and the proxy's answers. */
import { createStore, type StoreApi } from "zustand/vanilla";
import {
  begin,
  type Change,
  type ChatState,
  changed,
  isRunning,
  type Mode,
  type Passage,
  type Question,
  type Rating,
  type Turn,
  WAITING,
} from "./chat_state.js";
import type { Clock } from "./clock.js";
import { type AnswerEvent, citationOf, ratedBy, readEvents } from "./events.js";
import type { Conversations } from "./history.js";
import { keepChat, keptChat, unanswered } from "./kept_chat.js";
import type { Settings } from "./options.js";
import type { Requests } from "./requests.js";
import type { Tokening } from "./session/state.js";
import { normaliseMessage } from "./texts.js";
import { Trouble } from "./trouble.js";

export interface Chat {
  readonly state: StoreApi<ChatState>;
  setDraft(text: string): void;
  setMode(mode: Mode): void;
  /** Takes a selected text of any length; a text that is too long is kept, so that the view can explain it. */
  setPassage(passage: Passage | null): void;
  /** Sends the draft. Does nothing while an answer is being written or the draft is empty or refused; where
   * the reader has to sign in first the draft stays, and `draftTrouble` says so. */
  ask(): Promise<void>;
  /** Ends the running answer, if any; the text that has arrived stays. */
  stop(): void;
  /** Asks the question of a failed or stopped turn again, in its place. */
  retry(turnId: number): Promise<void>;
  /** Begins a new conversation; stops a running answer. The draft stays. */
  reset(): void;
  /** Opens a conversation from the history, unless another is shown meanwhile. Rejects with Trouble. */
  open(sessionId: string): Promise<void>;
  /** Rates an answer; null takes the rating back. Rejects with Trouble, and restores the old rating. */
  rate(turnId: number, rating: Rating | null): Promise<void>;
  /** Reopens the conversation that this tab showed before a reload. Never rejects. */
  restore(): Promise<void>;
  close(): void;
}

export function createChat(
  settings: Settings,
  session: Tokening,
  requests: Requests,
  history: Conversations,
  clock: Clock,
): Chat {
  const kept = keptChat(settings.namespace);
  let keptSessionId = kept.sessionId;
  const state = createStore<ChatState>(() =>
    begin(settings.mode === "selection_only" ? "selection_only" : "normal"),
  );
  let running: AbortController | null = null;
  /** Counts the changes of conversation, so that one which loads after the next was opened is dropped. */
  let opened = 0;

  function change(one: Change): void {
    state.setState((before) => changed(before, one), true);
  }

  change({ type: "drafted", draft: kept.draft });
  change({ type: "passage_chosen", passage: kept.passage });
  if (kept.mode && settings.mode === "both") change({ type: "mode_chosen", mode: kept.mode });
  const stopKeeping = state.subscribe((now, before) => {
    const isSame =
      now.draft === before.draft &&
      unanswered(now) === unanswered(before) &&
      now.mode === before.mode &&
      now.passage === before.passage &&
      now.sessionId === before.sessionId;
    if (!isSame) keepChat(settings.namespace, now);
  });
  const stopFollowing = session.state.subscribe((now) => {
    if (now.name === "signed_out" && (now.because === "reader" || now.because === "there")) {
      // The next person at this computer must not see it.
      reset();
      keptSessionId = null;
      change({ type: "drafted", draft: "" });
      change({ type: "passage_chosen", passage: null });
    }
  });

  async function ask(): Promise<void> {
    const { draft, mode, passage, draftTrouble, sessionId, turns } = state.getState();
    const message = normaliseMessage(draft);
    if (!message || isRunning(state.getState()) || state.getState().isOpening) return;
    if (draftTrouble?.code.startsWith("invalid_")) return;
    if (settings.auth !== "none" && session.state.getState().name !== "signed_in") {
      const trouble = new Trouble(
        "signed_out",
        "A question was asked without a session; the reader has to sign in.",
      );
      return change({ type: "refused", trouble });
    }
    const turn: Turn = {
      id: Math.max(0, ...turns.map((one) => one.id)) + 1,
      question: { message, mode, passage },
      answer: WAITING,
    };
    change({ type: "asked", turn, sessionId: sessionId ?? newSessionId() });
    if (await run(turn.id, turn.question)) return;
    // The conversation was another reader's and is gone; the question is of the one who is here now.
    if (state.getState().draft === "") change({ type: "drafted", draft });
    change({ type: "passage_chosen", passage });
    if (session.state.getState().name === "signed_in") await ask();
  }

  async function retry(turnId: number): Promise<void> {
    const turn = state.getState().turns.find((one) => one.id === turnId);
    if (!turn || isRunning(state.getState())) return;
    if (turn.answer.state !== "failed" && turn.answer.state !== "stopped") return;
    change({ type: "asked_again", id: turnId });
    await run(turnId, turn.question);
  }

  /** False if the question was not sent, as the session turned out to be no longer this reader's. */
  async function run(id: number, question: Question): Promise<boolean> {
    const controller = new AbortController();
    running = controller;
    try {
      if (await session.follow()) return false;
      for await (const event of answered(question, controller.signal)) {
        if (controller.signal.aborted) return true;
        take(id, event);
      }
    } catch (error) {
      // `stop` has changed the state already, and another run may have this turn's number by now.
      if (!controller.signal.aborted) change({ type: "failed", id, trouble: troubleFrom(error) });
    } finally {
      controller.abort();
      if (running === controller) running = null;
    }
    return true;
  }

  async function* answered(
    question: Question,
    signal: AbortSignal,
  ): AsyncGenerator<AnswerEvent, void, undefined> {
    const answer = await requests.send({
      method: "POST",
      path: "/chat",
      accept: "text/event-stream",
      isFollowed: true,
      what: "Asking",
      signal,
      body: {
        message: question.message,
        session_id: state.getState().sessionId ?? newSessionId(),
        mode: question.mode,
        ...(question.passage && { selected_text: question.passage.text }),
      },
    });
    const isStream = answer.headers.get("content-type")?.startsWith("text/event-stream");
    if (isStream && answer.body) yield* readEvents(answer.body, clock.local);
    else yield* wholeAnswer(answer);
  }

  function take(id: number, event: AnswerEvent): void {
    switch (event.type) {
      case "start":
        change({ type: "began", id, sessionId: event.sessionId, messageId: event.messageId });
        break;
      case "delta":
        change({ type: "wrote", id, text: event.text });
        break;
      case "citation":
        change({ type: "cited", id, citation: event.citation });
        break;
      case "done":
        change({ type: "finished", id });
        break;
      case "error":
        if (event.trouble.code === "session_ended") void learnOfEnd();
        change({ type: "failed", id, trouble: event.trouble });
    }
  }

  /** The session, or this token alone, was ended: a renewal finds out which, and tells all tabs. */
  async function learnOfEnd(): Promise<void> {
    try {
      const token = await session.token();
      if (token) session.refused(token);
      await session.token();
    } catch {
      // The session's own state shows the failure.
    }
  }

  function stop(): void {
    running?.abort();
    // The state changes at once, because aborting does not interrupt a renewal that is under way.
    for (const turn of state.getState().turns) change({ type: "stopped", id: turn.id });
  }

  function reset(): void {
    stop();
    opened += 1;
    change({ type: "emptied" });
  }

  async function open(sessionId: string): Promise<void> {
    stop();
    opened += 1;
    const mine = opened;
    change({ type: "opening", isOpening: true });
    try {
      const turns = await history.read(sessionId);
      if (mine === opened) change({ type: "opened", sessionId, turns });
    } catch (error) {
      if (mine !== opened) return;
      change({ type: "opening", isOpening: false });
      throw troubleFrom(error);
    }
  }

  return {
    state,
    setDraft: (draft) => change({ type: "drafted", draft }),
    setMode(mode) {
      if (settings.mode === "both") change({ type: "mode_chosen", mode });
    },
    setPassage: (passage) => change({ type: "passage_chosen", passage }),
    ask,
    stop,
    retry,
    reset,
    open,
    async rate(turnId, rating) {
      const { turns, sessionId } = state.getState();
      const answer = turns.find((one) => one.id === turnId)?.answer;
      if (!answer?.messageId || sessionId === null || answer.state !== "done") return;
      change({ type: "rated", id: turnId, rating });
      try {
        await history.rate(sessionId, answer.messageId, rating);
      } catch (error) {
        // Another conversation has turns with the same numbers.
        if (state.getState().sessionId === sessionId)
          change({ type: "rated", id: turnId, rating: answer.rating });
        throw troubleFrom(error);
      }
    },
    async restore() {
      const canRead = settings.auth === "none" || session.state.getState().name === "signed_in";
      if (keptSessionId === null || !canRead || state.getState().turns.length > 0) return;
      await open(keptSessionId).catch(() => undefined);
    },
    close() {
      stopKeeping();
      stop();
      stopFollowing();
    },
  };
}

/** The events of an answer that is one JSON object. */
async function* wholeAnswer(answer: Response): AsyncGenerator<AnswerEvent, void, undefined> {
  const body: Record<string, unknown> = await answer.json().catch(() => ({}));
  if (typeof body.response !== "string")
    throw new Trouble(
      "backend_failed",
      "Asking: the answer is neither a stream of events nor a JSON answer.",
    );
  yield { type: "start", sessionId: String(body.session_id), messageId: ratedBy(body) };
  yield { type: "delta", text: body.response };
  if (Array.isArray(body.citations))
    for (const one of body.citations) yield { type: "citation", citation: citationOf(one) };
  yield { type: "done" };
}

function newSessionId(): string {
  // A page without a secure context lacks randomUUID, and may ask with `auth: none`.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (one) =>
    one.toString(16).padStart(2, "0"),
  ).join("");
}

function troubleFrom(error: unknown): Trouble {
  if (error instanceof Trouble) return error;
  return new Trouble("unexpected", error instanceof Error ? `${error.name}: ${error.message}` : "unknown");
}
