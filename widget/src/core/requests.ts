/** Requests to the chat proxy: they carry a token and its proof, are repeated if the proxy asks for it, or fail. */
import * as oauth from "oauth4webapi";
import type { Clock } from "./clock.js";
import { blamesClock, told, troubleOf, troubleOfNetwork } from "./failures.js";
import { isLoopback, type Settings } from "./options.js";
import type { Broker } from "./session/oauth.js";
import type { AccessToken, Tokening } from "./session/state.js";
import { Trouble } from "./trouble.js";

export interface Ask {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
  readonly accept?: string;
  readonly signal?: AbortSignal;
  /** True if the caller has followed the session (`Session.follow`) itself. */
  readonly isFollowed?: boolean;
  /** The purpose of the request, in messages for the site's owner. */
  readonly what: string;
}

export interface Requests {
  /** The answer of a request that succeeds. Rejects with Trouble, or with the signal's AbortError. */
  send(ask: Ask): Promise<Response>;
}

/** One try for a nonce, one for the clock, one for a refused token, and the last for the answer. */
const MOST_TRIES = 4;
/** Milliseconds for the head of an answer; the proxy gives a backend 30 s. */
const HEAD_WITHIN = 45_000;

export function createRequests(
  settings: Settings,
  session: Tokening,
  broker: Broker,
  clock: Clock,
): Requests {
  const isLocal = isLoopback(new URL(settings.backendUrl).hostname);

  async function fetched(url: string, init: RequestInit, what: string): Promise<Response> {
    const ending = new AbortController();
    const end = () => ending.abort();
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      end();
    }, HEAD_WITHIN);
    if (init.signal?.aborted) end();
    init.signal?.addEventListener("abort", end);
    try {
      const { signal } = ending;
      const answer = await fetch(url, { ...init, signal, credentials: "omit", cache: "no-store" });
      clock.hear(answer);
      return answer;
    } catch (error) {
      if (init.signal?.aborted) throw error;
      if (isLate) throw new Trouble("timeout", `${what}: nothing came for ${HEAD_WITHIN / 1000} s.`);
      throw await troubleOfNetwork(url, what);
    } finally {
      clearTimeout(timer);
    }
  }

  async function once(ask: Ask, token: AccessToken | null): Promise<Response> {
    const url = new URL(settings.backendUrl + ask.path);
    const headers = new Headers({ Accept: ask.accept ?? "application/json" });
    if (ask.body !== undefined) headers.set("Content-Type", "application/json");
    const body = ask.body === undefined ? null : JSON.stringify(ask.body);
    const init = { method: ask.method, headers, body, ...(ask.signal && { signal: ask.signal }) };
    if (token === null) return fetched(url.href, init, ask.what);
    const options = {
      [oauth.allowInsecureRequests]: isLocal,
      [oauth.customFetch]: (to: string, how: object) => fetched(to, how, ask.what),
      ...(ask.signal && { signal: ask.signal }),
      ...(token.isBound && { DPoP: await broker.proof() }),
    };
    try {
      return await oauth.protectedResourceRequest(token.token, ask.method, url, headers, body, options);
    } catch (error) {
      // The library throws every answer that has a challenge; its body says what is wrong.
      if (error instanceof oauth.WWWAuthenticateChallengeError) return error.response;
      throw error;
    }
  }

  async function send(ask: Ask): Promise<Response> {
    let hasRenewed = false;
    if (!ask.isFollowed) await session.follow();
    for (let tries = 1; ; tries += 1) {
      const token = await session.token();
      const answer = await once(ask, token);
      if (answer.ok) return answer;
      const said = await told(answer.clone());
      if (tries < MOST_TRIES && said.code === "use_dpop_nonce") continue;
      if (blamesClock(said)) {
        if (tries < MOST_TRIES && clock.skew() !== 0) continue;
        throw new Trouble("clock_wrong", `${ask.what}: the proxy refuses the time of this computer's clock.`);
      }
      if (answer.status === 401 && token !== null && !hasRenewed) {
        // The token was revoked, or its key was removed. The renewal finds out whether the session has ended.
        hasRenewed = true;
        session.refused(token);
        continue;
      }
      throw await troubleOf(answer, ask.what, clock.local());
    }
  }

  return { send };
}
