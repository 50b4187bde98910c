/** The widget's core. It has no framework, and uses only fetch, crypto and storage of the browser. */
import { type Chat, createChat } from "./chat.js";
import { createClock } from "./clock.js";
import { watchPolicy } from "./failures.js";
import { createHistory, type History } from "./history.js";
import { checkedOptions, type Options, type Settings } from "./options.js";
import { createRequests } from "./requests.js";
import { createBroker } from "./session/oauth.js";
import { createSession } from "./session/session.js";
import type { Session } from "./session/state.js";
import { createVault } from "./session/vault.js";

export type { Chat } from "./chat.js";
export type { Answer, ChatState, Mode, Passage, Question, Rating, Turn } from "./chat_state.js";
export type { Citation } from "./events.js";
export type { ConversationEntry, History } from "./history.js";
export type { Auth, Modes, Options, Settings } from "./options.js";
export { hasPendingRedirect } from "./pending.js";
export type { BetterAuthClient, BetterAuthOptions, Exchange } from "./session/better_auth.js";
export type { Browsing, Places, Session, SessionState, SignedInPlace } from "./session/state.js";
export {
  countCodePoints,
  MAX_MESSAGE,
  MAX_SELECTION,
  normaliseMessage,
  normaliseSelection,
} from "./texts.js";
export { TROUBLES, Trouble, type TroubleCode } from "./trouble.js";

export interface Chatgate {
  readonly settings: Settings;
  readonly session: Session;
  readonly chat: Chat;
  readonly history: History;
  /** Finds the reader's session, and reopens the conversation of this tab. Never rejects. */
  start(): Promise<void>;
  /** Stops a running answer, and stops listening to other tabs. */
  close(): void;
}

/** `page` is the address of the page. Throws Trouble `misconfigured` for options that cannot work. */
export function createChatgate(options: Options, page: string = location.href): Chatgate {
  const settings = checkedOptions(options, page);
  const clock = createClock();
  const vault = createVault(settings.namespace);
  const broker = createBroker(settings, vault, clock);
  const session = createSession(settings, broker, vault, clock);
  const requests = createRequests(settings, session, broker, clock);
  const history = createHistory(requests);
  const chat = createChat(settings, session, requests, history, clock);
  watchPolicy();
  return {
    settings,
    session,
    chat,
    history,
    async start() {
      await session.start();
      await chat.restore();
    },
    close() {
      chat.close();
      session.close();
    },
  };
}
