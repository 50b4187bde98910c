/** The session that this tab holds: its state, its access token, and the number of sign-outs so far. */
import { createStore, type StoreApi } from "zustand/vanilla";
import type { Clock } from "../clock.js";
import type { Trouble } from "../trouble.js";
import type { Tokens } from "./oauth.js";
import type { AccessToken, SessionState } from "./state.js";
import type { KeptSession, Vault } from "./vault.js";

/** Milliseconds before a token's expiry at which it is renewed: a question may be under way for that long. */
const RENEW_BEFORE = 30_000;

type Because = "never" | "reader" | "ended" | "cancelled" | "failed";

export interface Held {
  readonly state: StoreApi<SessionState>;
  /** Grows with every sign-out, so that the result of a request that began before one is dropped after it. */
  signOuts(): number;
  /** True while the broker's cookie stands for the session. */
  isByCookie(): boolean;
  signedIn(as: "reader" | "guest" | "anyone"): void;
  signedInAs(kept: KeptSession): void;
  signedOut(because: Because, trouble?: Trouble | null): void;
  /** The access token, unless it is about to expire. */
  fresh(): AccessToken | null;
  /** Keeps the tokens of the session `id` for this page and the next. */
  take(tokens: Tokens, as: "reader" | "guest", id: string): Promise<AccessToken>;
  /** Takes the token that another tab got for the session `id`. */
  adopt(id: string, token: AccessToken): void;
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
  let signOuts = 0;
  let usesCookie = false;

  function signedIn(as: "reader" | "guest" | "anyone"): void {
    state.setState({ name: "signed_in", as, isKept: vault.isKept() }, true);
  }

  function forget(): void {
    current = null;
    own = null;
  }

  return {
    state,
    signOuts: () => signOuts,
    isByCookie: () => usesCookie,
    signedIn,
    signedInAs(kept) {
      if (own !== kept.id) current = null;
      own = kept.id;
      signedIn(kept.as);
    },
    signedOut(because, trouble = null) {
      forget();
      usesCookie = false;
      signOuts += 1;
      state.setState({ name: "signed_out", because, trouble }, true);
    },
    fresh: () => (current !== null && current.expiresAt - RENEW_BEFORE > clock.now() ? current : null),
    async take(tokens, as, id) {
      await vault.keep({ refreshToken: tokens.refreshToken, as, id, renewedAt: clock.local() });
      own = id;
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
      current = token;
      usesCookie = true;
    },
    drop(token) {
      if (token === undefined || current?.token === token) current = null;
    },
    forget,
  };
}
