/** The session that this tab holds: its state, its access token, and the number of sign-outs so far. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { Clock } from "../clock.js";
import type { Trouble } from "../trouble.js";
import type { Tokens } from "./oauth.js";
import type { AccessToken, SessionState } from "./state.js";
import { subjectOf } from "./subject.js";
import type { KeptSession, Vault } from "./vault.js";

/** Milliseconds before a token's expiry at which it is renewed: a question may be under way for that long. */
const RENEW_BEFORE = 30_000;

type Because = Extract<SessionState, { name: "signed_out" }>["because"];

export interface Held {
  readonly state: StoreApi<SessionState>;
  /** Grows with every sign-out, so that the result of a request that began before one is dropped after it. */
  signOuts(): number;
  /** The user of the last session that this tab held (`KeptSession.user`). */
  user(): string | null;
  /** True while the broker's cookie stands for the session. */
  isByCookie(): boolean;
  signedIn(as: "reader" | "guest" | "anyone"): void;
  signedInAs(kept: KeptSession): void;
  /** Signs out `there` if this tab last held a session of another user than `next`. True if it did. */
  makeWayFor(next: string | null): boolean;
  signedOut(because: Because, trouble?: Trouble | null): void;
  /** The access token, unless it is about to expire. */
  fresh(): AccessToken | null;
  /** Keeps the tokens of `session` for this page and the next. */
  take(tokens: Tokens, session: Pick<KeptSession, "as" | "id" | "user">): Promise<AccessToken>;
  /** Takes the token that another tab got for the session `id`. */
  adopt(id: string, token: AccessToken): void;
  /** Takes a token for the broker's cookie; signs out `there` before if it is another reader's. */
  takeByCookie(token: AccessToken): void;
  /** Drops the access token, or only `token`. */
  drop(token?: string): void;
  /** Drops the tokens of a request that ended after a sign-out. */
  forget(): void;
}

export function createHeld(vault: Vault, clock: Clock): Held {
  const state = createStore<SessionState>(() => ({ name: "checking" }));
  let current: AccessToken | null = null;
  /** The id of the kept session that this tab acts for; null until it knows of one. */
  let own: string | null = null;
  let user: string | null = null;
  let signOuts = 0;
  let usesCookie = false;

  function signedIn(as: "reader" | "guest" | "anyone"): void {
    state.setState({ name: "signed_in", as, isKept: vault.isKept() }, true);
  }

  function forget(): void {
    current = null;
    own = null;
  }

  function signedOut(because: Because, trouble: Trouble | null = null): void {
    forget();
    // A reader who signed out leaves nothing behind that must be hidden from the next one.
    if (because === "reader") user = null;
    usesCookie = false;
    signOuts += 1;
    state.setState({ name: "signed_out", because, trouble }, true);
  }

  function makeWayFor(next: string | null): boolean {
    const isOther = user !== null && user !== next;
    if (isOther) signedOut("there");
    user = next;
    return isOther;
  }

  return {
    state,
    signOuts: () => signOuts,
    user: () => user,
    isByCookie: () => usesCookie,
    signedIn,
    makeWayFor,
    signedInAs(kept) {
      makeWayFor(kept.user);
      if (own !== kept.id) current = null;
      own = kept.id;
      signedIn(kept.as);
    },
    signedOut,
    fresh: () => (current !== null && current.expiresAt - RENEW_BEFORE > clock.now() ? current : null),
    async take(tokens, session) {
      await vault.keep({ ...session, refreshToken: tokens.refreshToken, renewedAt: clock.local() });
      own = session.id;
      user = session.user;
      current = { token: tokens.accessToken, isBound: tokens.isBound, expiresAt: tokens.expiresAt };
      return current;
    },
    adopt(id, token) {
      // The token is bound to the key that all tabs of this site share, so this tab can use it. A late message
      // may be of the session before.
      const isOwn = own === null || own === id;
      if (state.getState().name !== "signed_in" || usesCookie || !isOwn) return;
      own = id;
      current = token;
    },
    takeByCookie(token) {
      makeWayFor(subjectOf(token.token));
      current = token;
      usesCookie = true;
    },
    drop(token) {
      if (token === undefined || current?.token === token) current = null;
    },
    forget,
  };
}
