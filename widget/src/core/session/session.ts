/** The reader's session at the broker, and the access token that proves it to the proxy. */
import { createStore } from "zustand/vanilla";
import { createTheirs, type Theirs } from "./better_auth.js";
import type { Clock } from "../clock.js";
import { type Cookies, createCookies } from "./cookies.js";
import { COOKIE, createEndings, THERE } from "./endings.js";
import { markSignOut } from "../kept_chat.js";
import { type Attempt, type Broker, InvalidGrant, type Tokens } from "./oauth.js";
import type { Settings } from "../options.js";
import { awaitAnswer } from "./popup_answers.js";
import { leaveBehind, takeBack } from "./redirect.js";
import type { AccessToken, Browsing, Places, SessionState, Tokening } from "./state.js";
import { createTabs, type TabMessage } from "./tabs.js";
import { Trouble } from "../trouble.js";
import type { KeptSession, Vault } from "./vault.js";

/** Milliseconds before a token's expiry at which it is renewed: a question may be under way for that long. */
const RENEW_BEFORE = 30_000;
/** Milliseconds for which another tab's message of a renewal may follow the release of its lock. */
const WORD_WITHIN = 250;

export function createSession(settings: Settings, broker: Broker, vault: Vault, clock: Clock): Tokening {
  const state = createStore<SessionState>(() => ({ name: "checking" }));
  const cookies: Cookies | null = settings.auth === "cookie" ? createCookies(settings, clock) : null;
  const theirs: Theirs | null = settings.betterAuth && createTheirs(settings.betterAuth);
  const tabs = createTabs(settings.namespace, hear);
  const { end, endAll, endUnended, isUnended } = createEndings(vault, async (session) => {
    if (session === COOKIE) await cookies?.signOut();
    else if (session === THERE) await theirs?.signOut();
    else await broker.revoke(session);
  });
  let current: AccessToken | null = null;
  /** The id of the kept session that this tab acts for; null until it knows of one. */
  let own: string | null = null;
  /** Counts sign-outs, so that the result of a request that began before one is dropped after it. */
  let signOuts = 0;
  let renewing: Promise<AccessToken> | null = null;
  let usesCookie = false;
  let stopWaiting = () => {};
  let toldOfRenewal = () => {};

  function signedIn(as: "reader" | "guest" | "anyone"): void {
    state.setState({ name: "signed_in", as, isKept: vault.isKept() }, true);
  }

  function signedInAs(kept: KeptSession): void {
    if (own !== kept.id) current = null;
    own = kept.id;
    signedIn(kept.as);
  }

  function signedOut(
    because: "never" | "reader" | "ended" | "cancelled" | "failed",
    trouble: Trouble | null = null,
  ): void {
    current = null;
    own = null;
    usesCookie = false;
    signOuts += 1;
    state.setState({ name: "signed_out", because, trouble }, true);
  }

  function isFresh(token: AccessToken | null): token is AccessToken {
    return token !== null && token.expiresAt - RENEW_BEFORE > clock.now();
  }

  function hear(message: TabMessage): void {
    if (message.type === "renewed") {
      // The token is bound to the key that all tabs of this site share, so this tab can use it. A late message
      // may be of the session before.
      const isOwn = own === null || own === message.of;
      if (state.getState().name === "signed_in" && !usesCookie && isOwn) {
        own = message.of;
        current = { token: message.token, isBound: message.isBound, expiresAt: message.expiresAt };
      }
      toldOfRenewal();
    } else if (message.type === "signed_out") {
      stopWaiting();
      signedOut(message.because);
    } else {
      current = null;
      const asOf = signOuts;
      void vault.session().then((kept) => kept && asOf === signOuts && signedInAs(kept));
    }
  }

  async function take(tokens: Tokens, as: "reader" | "guest", id: string): Promise<AccessToken> {
    await vault.keep({ refreshToken: tokens.refreshToken, as, id, renewedAt: clock.local() });
    own = id;
    current = { token: tokens.accessToken, isBound: tokens.isBound, expiresAt: tokens.expiresAt };
    return current;
  }

  async function finish(attempt: Attempt, answer: URLSearchParams): Promise<void> {
    const asOf = signOuts;
    try {
      const tokens = await broker.redeem(attempt, answer);
      const before = await tabs.alone(async () => {
        const found = await vault.session();
        if (asOf === signOuts) await take(tokens, "reader", crypto.randomUUID());
        return found;
      });
      if (asOf !== signOuts) {
        forget();
        return await end(tokens.refreshToken);
      }
      signedIn("reader");
      tabs.tell({ type: "signed_in" });
      // A guest who signed in no longer needs the guest's session.
      if (before?.refreshToken) void end(before.refreshToken).catch(() => undefined);
    } catch (error) {
      if (asOf === signOuts) await fallBack(failureOf(error));
    }
  }

  /** Drops the tokens of a request that ended after a sign-out. */
  function forget(): void {
    current = null;
    own = null;
  }

  /** Returns to the state before a failed sign-in. */
  async function fallBack(trouble: Trouble): Promise<void> {
    const kept = await vault.session();
    if (kept) signedInAs(kept);
    else if (settings.auth === "guest") signedIn("guest");
    else signedOut(trouble.code === "sign_in_cancelled" ? "cancelled" : "failed", trouble);
  }

  function wordOfRenewal(): Promise<void> {
    return new Promise((resolve) => {
      toldOfRenewal = resolve;
      setTimeout(resolve, WORD_WITHIN);
    });
  }

  async function renew(): Promise<AccessToken> {
    const askedAt = clock.local();
    const asOf = signOuts;
    return tabs.alone(async () => {
      // Another tab may have renewed it while this one waited.
      const kept = await vault.session();
      if (!isFresh(current) && kept && kept.renewedAt >= askedAt) await wordOfRenewal();
      if (isFresh(current)) return current;
      // The storage of this tab failed, which says nothing about the session: the other tabs keep it.
      if (kept === null && settings.auth !== "guest") throw ended({ everywhere: false });
      try {
        const tokens = await renewed(kept);
        const of = kept?.id ?? crypto.randomUUID();
        const found = await take(tokens, kept?.as ?? "guest", of);
        // The sign-out waits for this lock, and ends the session that was kept here.
        if (asOf !== signOuts) {
          forget();
          throw signedOutMeanwhile();
        }
        tabs.tell({ type: "renewed", of, ...found });
        return found;
      } catch (error) {
        if (!(error instanceof InvalidGrant)) throw error;
        await vault.keep(null);
        // A guest loses nothing with a session that ended, and begins another.
        if (kept?.as === "guest" && settings.auth === "guest")
          return take(await broker.guest(), "guest", crypto.randomUUID());
        throw ended();
      }
    });
  }

  function renewed(kept: KeptSession | null): Promise<Tokens> {
    if (kept?.refreshToken) return broker.refresh(kept.refreshToken);
    return theirs ? exchanged(theirs) : broker.guest();
  }

  /** The tokens for the session that the reader has at the site. Rejects with InvalidGrant if there is none. */
  async function exchanged(from: Theirs): Promise<Tokens> {
    const credential = await from.credential();
    if (credential === null) throw new InvalidGrant("the reader is not signed in at the site");
    return broker.exchange(credential);
  }

  function ended({ everywhere } = { everywhere: true }): Trouble {
    const why = everywhere ? "The broker says that this session has ended." : "The browser lost the session.";
    const trouble = new Trouble("session_ended", why);
    if (state.getState().name === "signed_in") {
      signedOut("ended", trouble);
      if (everywhere) tabs.tell({ type: "signed_out", because: "ended" });
    }
    return trouble;
  }

  async function byCookie(from: Cookies): Promise<AccessToken> {
    try {
      const found = await from.token();
      if (!usesCookie) throw signedOutMeanwhile();
      current = found;
      return found;
    } catch (error) {
      if (error instanceof InvalidGrant) throw ended();
      throw error;
    }
  }

  async function token(): Promise<AccessToken | null> {
    const now = state.getState();
    if (settings.auth === "none") return null;
    if (now.name !== "signed_in")
      throw new Trouble("signed_out", "There is no session; the reader has to sign in.");
    if (isFresh(current)) return current;
    renewing ??= (usesCookie && cookies ? byCookie(cookies) : renew()).finally(() => {
      renewing = null;
    });
    return renewing;
  }

  async function start(): Promise<void> {
    if (settings.auth === "none") return signedIn("anyone");
    void endUnended().catch(() => undefined);
    const back = takeBack(settings.namespace);
    if (back) {
      state.setState({ name: "signing_in", by: "redirect" }, true);
      return finish(back.attempt, new URLSearchParams(back.answer));
    }
    const kept = await vault.session();
    if (kept) signedInAs(kept);
    else if (theirs) return enterFrom(theirs);
    else if (cookies) return startWithCookie(cookies);
    else if (settings.auth === "guest") return signedIn("guest");
    else return signedOut("never");
    // Renewing now shows that a session ended elsewhere before the reader has typed a question.
    await token().catch(() => undefined);
    // The reader may have signed in at the site again since.
    if (theirs && state.getState().name === "signed_out") await enterFrom(theirs);
  }

  /** Signs in by the session that the reader has at the site; without one the reader goes to `instead`. */
  async function enterFrom(from: Theirs, instead: (() => void) | null = null): Promise<void> {
    const asOf = signOuts;
    try {
      // A sign-out that did not reach the server is repeated first, or its session would sign the reader in.
      if (await isUnended(THERE)) await end(THERE);
      await tabs.alone(async () => {
        // Another tab may have been faster.
        const kept = await vault.session();
        if (kept) return signedInAs(kept);
        const tokens = await exchanged(from);
        if (asOf !== signOuts) return tokens.refreshToken && end(tokens.refreshToken);
        await take(tokens, "reader", crypto.randomUUID());
        signedIn("reader");
        tabs.tell({ type: "signed_in" });
      });
    } catch (error) {
      if (asOf !== signOuts) return;
      if (!(error instanceof InvalidGrant)) return signedOut("failed", failureOf(error));
      if (instead) return instead();
      signedOut("never");
    }
  }

  function signInThere(from: Theirs, browsing: Browsing): void {
    const url = settings.betterAuth?.signInUrl;
    state.setState({ name: "signing_in", by: "redirect" }, true);
    void enterFrom(from, () => {
      if (url) return browsing.leaveFor(url);
      const why = "The reader is not signed in at the site, and betterAuth.signInUrl names no page for it.";
      signedOut("failed", new Trouble("signed_out", why));
    });
  }

  async function startWithCookie(from: Cookies): Promise<void> {
    try {
      // A sign-out that did not reach the broker is repeated first, or the cookie would sign the reader in.
      if (await isUnended(COOKIE)) await end(COOKIE);
      current = await from.token();
      usesCookie = true;
      signedIn("reader");
    } catch (error) {
      if (error instanceof InvalidGrant) signedOut("never");
      else signedOut("failed", failureOf(error));
    }
  }

  function signIn(browsing: Browsing): void {
    stopWaiting();
    if (theirs) {
      signInThere(theirs, browsing);
      return;
    }
    const attempt = broker.begin();
    const popup = browsing.openPopup();
    const by = popup ? "popup" : "redirect";
    if (popup)
      // A page cannot tell that a reader closed the popup (COOP makes `closed` true at once), so it waits for
      // as long as it lives, and the button stays.
      stopWaiting = awaitAnswer(attempt.state, (answer) => void finish(attempt, answer));
    const isKept = popup !== null || leaveBehind(settings.namespace, attempt, browsing.here());
    state.setState({ name: "signing_in", by }, true);
    if (!isKept) {
      const why = "The browser blocks popups and keeps no data for this site, so no answer could be checked.";
      void fallBack(new Trouble("sign_in_failed", why));
      return;
    }
    broker.address(attempt, browsing.language()).then(
      (url) => (popup ? popup.goTo(url) : browsing.leaveFor(url)),
      (error) => void fallBack(failureOf(error)),
    );
  }

  async function signOut(): Promise<void> {
    const isByCookie = usesCookie;
    stopWaiting();
    markSignOut(settings.namespace);
    signedOut("reader");
    tabs.tell({ type: "signed_out", because: "reader" });
    if (isByCookie) return end(COOKIE);
    // The lock waits for a renewal that is under way in any tab: its result must not outlive the sign-out.
    const kept = await tabs.alone(async () => {
      const found = await vault.session();
      await vault.keep(null);
      return found;
    });
    // The account is the site's: signed in there, the reader would be signed in here at the next page.
    await endAll([...(kept?.refreshToken ? [kept.refreshToken] : []), ...(theirs ? [THERE] : [])]);
  }

  async function asKept<T>(run: (refreshToken: string) => Promise<T>): Promise<T> {
    return tabs.alone(async () => {
      const kept = await vault.session();
      if (kept === null) throw new Trouble("signed_out", "There is no session to ask about.");
      try {
        return await run(kept.refreshToken);
      } catch (error) {
        if (!(error instanceof InvalidGrant)) throw error;
        await vault.keep(null);
        throw ended();
      }
    });
  }

  async function placesOf(refreshToken: string): Promise<Places> {
    // A session that a JWT made has no list of sign-ins here: they are the site's.
    return refreshToken ? broker.places(refreshToken) : { user: null, places: [] };
  }

  return {
    state,
    start,
    signIn,
    signOut,
    token,
    refused(refusedToken) {
      if (current?.token === refusedToken.token) current = null;
    },
    places: () => (usesCookie && cookies ? cookies.places() : asKept(placesOf)),
    endPlace: (id) =>
      usesCookie && cookies ? cookies.endPlace(id) : asKept((one) => broker.endPlace(one, id)),
    close() {
      stopWaiting();
      tabs.close();
    },
  };
}

function signedOutMeanwhile(): Trouble {
  return new Trouble("signed_out", "The reader signed out while the session was renewed.");
}

function failureOf(error: unknown): Trouble {
  if (error instanceof Trouble) return error;
  const words = error instanceof Error ? error.message : "unknown";
  return new Trouble("sign_in_failed", `Signing in: ${words}`);
}
