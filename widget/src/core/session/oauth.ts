/** The broker's OAuth endpoints (RFC 6749, 7636, 9449, 9207), by oauth4webapi and its checks. */
import * as oauth from "oauth4webapi";
import type { Clock } from "../clock.js";
import { blamesClock, told, troubleOf, troubleOfNetwork } from "../failures.js";
import { isLoopback, type Settings } from "../options.js";
import { Trouble } from "../trouble.js";
import type { Credential } from "./better_auth.js";
import { type Places, placesOf } from "./state.js";
import type { Vault } from "./vault.js";

const EXCHANGE_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange";
/** The `subject_token_type` (RFC 8693) of each kind of credential. */
const SUBJECTS = {
  session: "urn:chatgate:params:oauth:token-type:better-auth-session",
  jwt: "urn:ietf:params:oauth:token-type:jwt",
} as const;
const GUEST_GRANT = "urn:chatgate:params:oauth:grant-type:guest";
/** Stands for the refresh token of an answer that needs none. */
const NONE = "none";
/** Milliseconds for one answer of the broker. */
const ANSWER_WITHIN = 15_000;

/** The secrets of a sign-in under way, which only this page knows. All are text, so that they can be stored. */
export interface Attempt {
  readonly state: string;
  readonly verifier: string;
  readonly redirectUri: string;
}

export interface Tokens {
  readonly accessToken: string;
  /** True if the token is bound to the DPoP key. */
  readonly isBound: boolean;
  /** Milliseconds since the epoch, by the services' clock. */
  readonly expiresAt: number;
  /** Empty for tokens that nothing renews: those for a JWT of the site's Better Auth server. */
  readonly refreshToken: string;
}

/** The broker says that the code or the refresh token is dead: the session has ended. */
export class InvalidGrant extends Error {}

export interface Broker {
  begin(): Attempt;
  /** The address at which the reader signs in; `language` is the page's. */
  address(attempt: Attempt, language: string): Promise<string>;
  /** Every method rejects with Trouble; `redeem`, `refresh` and `exchange` also with InvalidGrant. */
  redeem(attempt: Attempt, answer: URLSearchParams): Promise<Tokens>;
  refresh(refreshToken: string): Promise<Tokens>;
  guest(): Promise<Tokens>;
  exchange(credential: Credential): Promise<Tokens>;
  revoke(refreshToken: string): Promise<void>;
  places(refreshToken: string): Promise<Places>;
  endPlace(refreshToken: string, id: string): Promise<void>;
  /** The key's proof for requests to the chat proxy. */
  proof(): Promise<oauth.DPoPHandle>;
}

export function createBroker(settings: Settings, vault: Vault, clock: Clock): Broker {
  const issuer = settings.brokerUrl;
  const server: oauth.AuthorizationServer = {
    issuer,
    authorization_endpoint: `${issuer}/oauth2/authorize`,
    token_endpoint: `${issuer}/oauth2/token`,
    revocation_endpoint: `${issuer}/oauth2/revoke`,
    authorization_response_iss_parameter_supported: true,
  };
  const client: oauth.Client = { client_id: settings.clientId };
  let handle: Promise<oauth.DPoPHandle> | null = null;

  function proof(): Promise<oauth.DPoPHandle> {
    handle ??= vault
      .key(() => oauth.generateKeyPair("ES256"))
      .then((pair) =>
        oauth.DPoP(client, pair, {
          [oauth.modifyAssertion](_header, payload) {
            payload.iat = Math.floor(clock.now() / 1000);
          },
        }),
      );
    return handle;
  }

  /** Sends one request; the clock reads the answer's Date, and a failure becomes a Trouble. */
  async function send(url: string, options: RequestInit): Promise<Response> {
    let answer: Response;
    try {
      answer = await fetch(url, {
        ...options,
        credentials: "omit",
        signal: AbortSignal.timeout(ANSWER_WITHIN),
      });
    } catch (error) {
      if (error instanceof DOMException && error.name === "TimeoutError")
        throw new Trouble("timeout", `The broker ${issuer} did not answer within ${ANSWER_WITHIN / 1000} s.`);
      throw await troubleOfNetwork(url, "Asking the broker");
    }
    clock.hear(answer);
    return answer;
  }

  function options(DPoP?: oauth.DPoPHandle) {
    return {
      [oauth.allowInsecureRequests]: isLoopback(new URL(issuer).hostname),
      [oauth.customFetch]: send as typeof fetch,
      ...(DPoP && { DPoP }),
    };
  }

  /** Sends a request with a proof, and again with the broker's nonce or the corrected time if it asks. */
  async function proved(what: string, ask: (DPoP: oauth.DPoPHandle) => Promise<Response>): Promise<Response> {
    const DPoP = await proof();
    for (let tries = 1; ; tries += 1) {
      const answer = await asTrouble(what, () => ask(DPoP));
      if (answer.ok || tries === 3) return answer;
      const said = await told(answer.clone());
      if (said.code === "use_dpop_nonce") continue;
      if (!blamesClock(said)) return answer;
      if (clock.skew() === 0)
        throw new Trouble("clock_wrong", `${what}: the broker refuses the time of this computer's clock.`);
    }
  }

  async function tokens(what: string, answer: Response, isRenewed = true): Promise<Tokens> {
    if (!answer.ok) throw await refusal(answer, what);
    const body = await bodyOf(answer, what);
    return tokensOf(isRenewed ? body : { ...body, refresh_token: NONE }, what, clock.now());
  }

  /** Sends a form with a proof to one of the broker's own endpoints. */
  async function form(path: string, parameters: Record<string, string>, what: string): Promise<unknown> {
    // The only function of the library that posts any form with a proof is the one for RFC 9126.
    const there = { ...server, pushed_authorization_request_endpoint: issuer + path };
    const answer = await proved(what, (DPoP) =>
      oauth.pushedAuthorizationRequest(there, client, oauth.None(), parameters, options(DPoP)),
    );
    if (!answer.ok) throw await refusal(answer, what);
    return bodyOf(answer, what);
  }

  async function refusal(answer: Response, what: string): Promise<Error> {
    const { code, detail } = await told(answer.clone());
    return code === "invalid_grant" ? new InvalidGrant(detail) : troubleOf(answer, what, clock.local());
  }

  return {
    proof,
    begin: () => ({
      state: oauth.generateRandomState(),
      verifier: oauth.generateRandomCodeVerifier(),
      redirectUri: settings.callbackUrl,
    }),

    async address(attempt, language) {
      const parameters = new URLSearchParams({
        response_type: "code",
        client_id: settings.clientId,
        redirect_uri: attempt.redirectUri,
        state: attempt.state,
        code_challenge: await oauth.calculatePKCECodeChallenge(attempt.verifier),
        code_challenge_method: "S256",
        dpop_jkt: await (await proof()).calculateThumbprint(),
        ...(language && { ui_locales: language }),
      });
      return `${server.authorization_endpoint}?${parameters}`;
    },

    async redeem(attempt, answer) {
      const what = "Signing in";
      const checked = await asTrouble(what, async () =>
        oauth.validateAuthResponse(server, client, answer, attempt.state),
      );
      const sent = await proved(what, (DPoP) =>
        oauth.authorizationCodeGrantRequest(
          server,
          client,
          oauth.None(),
          checked,
          attempt.redirectUri,
          attempt.verifier,
          options(DPoP),
        ),
      );
      return tokens(what, sent);
    },

    async refresh(refreshToken) {
      const what = "Renewing the sign-in";
      const sent = await proved(what, (DPoP) =>
        oauth.refreshTokenGrantRequest(server, client, oauth.None(), refreshToken, options(DPoP)),
      );
      return tokens(what, sent);
    },

    async guest() {
      const what = "Beginning as a guest";
      const sent = await proved(what, (DPoP) =>
        oauth.genericTokenEndpointRequest(server, client, oauth.None(), GUEST_GRANT, {}, options(DPoP)),
      );
      return tokens(what, sent);
    },

    async exchange({ token, exchange }) {
      const what = "Exchanging the site's session";
      const subject = { subject_token: token, subject_token_type: SUBJECTS[exchange] };
      const sent = await proved(what, (DPoP) =>
        oauth.genericTokenEndpointRequest(
          server,
          client,
          oauth.None(),
          EXCHANGE_GRANT,
          subject,
          options(DPoP),
        ),
      );
      // RFC 8693 2.2.2: the code of a subject token that is not good.
      if (sent.status === 400 && (await told(sent.clone())).code === "invalid_request")
        throw new InvalidGrant((await told(sent)).detail);
      return tokens(what, sent, exchange === "session");
    },

    async revoke(refreshToken) {
      const what = "Signing out";
      const sent = await asTrouble(what, () =>
        oauth.revocationRequest(server, client, oauth.None(), refreshToken, options()),
      );
      if (!sent.ok) throw await troubleOf(sent, what, clock.local());
    },

    async places(refreshToken) {
      return placesOf(await form("/oauth2/sessions", { token: refreshToken }, "Listing sign-ins"));
    },

    async endPlace(refreshToken, id) {
      await form("/oauth2/sessions/revoke", { token: refreshToken, session_id: id }, "Ending a sign-in");
    },
  };
}

async function asTrouble<T>(what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Trouble) throw error;
    if (error instanceof oauth.AuthorizationResponseError)
      throw error.error === "access_denied"
        ? new Trouble("sign_in_cancelled", `${what}: the reader chose Cancel.`)
        : new Trouble("sign_in_failed", `${what}: ${error.error}. ${error.error_description ?? ""}`);
    throw new Trouble("sign_in_failed", `${what}: ${error instanceof Error ? error.message : "unknown"}`);
  }
}

async function bodyOf(answer: Response, what: string): Promise<Readonly<Record<string, unknown>>> {
  const body: unknown = await answer.json().catch(() => null);
  if (typeof body !== "object" || body === null)
    throw new Trouble(
      "sign_in_failed",
      `${what}: the broker's answer is not JSON; something stands in front of it.`,
    );
  return body as Record<string, unknown>;
}

/** The tokens of an answer (RFC 6749 5.1, RFC 9449 5). Throws Trouble if they are not bound to the key. */
export function tokensOf(body: Readonly<Record<string, unknown>>, what: string, now: number): Tokens {
  const { access_token, token_type, expires_in, refresh_token } = body;
  const isWhole =
    typeof access_token === "string" &&
    access_token !== "" &&
    typeof token_type === "string" &&
    typeof expires_in === "number" &&
    expires_in > 0 &&
    typeof refresh_token === "string" &&
    refresh_token !== "";
  if (!isWhole) throw new Trouble("unexpected", `${what}: the broker's answer lacks a token or its life.`);
  // The request had a proof, so an answer with a bearer token, which any holder could use, is wrong.
  if (token_type.toLowerCase() !== "dpop")
    throw new Trouble("unexpected", `${what}: the broker did not bind the token to its key.`);
  return {
    accessToken: access_token,
    isBound: true,
    expiresAt: now + expires_in * 1000,
    refreshToken: refresh_token === NONE ? "" : refresh_token,
  };
}
