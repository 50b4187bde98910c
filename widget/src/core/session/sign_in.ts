/** The ways to sign in: at the broker, by a popup or a redirect, by the site's own session, and by a cookie. */
import { markSignOut } from "../kept_chat.js";
import { Trouble } from "../trouble.js";
import type { Theirs } from "./better_auth.js";
import type { Cookies } from "./cookies.js";
import { COOKIE, type Endings, THERE } from "./endings.js";
import { type Attempt, InvalidGrant } from "./oauth.js";
import { awaitAnswer } from "./popup_answers.js";
import { leaveBehind } from "./redirect.js";
import { credentialOf, type Parts } from "./renewal.js";
import type { Browsing } from "./state.js";
import { subjectOf } from "./subject.js";

export interface SignIn {
  /** As `Session.signIn`. */
  begin(browsing: Browsing): void;
  /** Takes the answer of the broker's page. Never rejects. */
  finish(attempt: Attempt, answer: URLSearchParams): Promise<void>;
  /** Signs in by the session that the reader has at the site; without one the reader goes to `instead`. */
  enterFrom(theirs: Theirs, instead?: (() => void) | null): Promise<void>;
  enterByCookie(cookies: Cookies): Promise<void>;
  /** Stops waiting for a popup. */
  stopWaiting(): void;
}

export function createSignIn(parts: Parts, { end, isUnended }: Endings): SignIn {
  const { settings, broker, vault, tabs, held, theirs } = parts;
  let stopWaiting = () => {};

  async function finish(attempt: Attempt, answer: URLSearchParams): Promise<void> {
    let asOf = held.signOuts();
    try {
      const tokens = await broker.redeem(attempt, answer);
      const user = subjectOf(tokens.accessToken);
      const before = await tabs.alone(async () => {
        const found = await vault.session();
        if (asOf !== held.signOuts()) return found;
        // A guest's conversation stays with the reader who the guest turns out to be.
        if (found?.as !== "guest") asOf = await makeWayFor(user);
        await held.take(tokens, aReader(user));
        return found;
      });
      if (asOf !== held.signOuts()) {
        held.forget();
        return await end(tokens.refreshToken);
      }
      held.signedIn("reader");
      tabs.tell({ type: "signed_in" });
      // A guest who signed in no longer needs the guest's session.
      if (before?.refreshToken) void end(before.refreshToken).catch(() => undefined);
    } catch (error) {
      if (asOf === held.signOuts()) await fallBack(failureOf(error));
    }
  }

  /** Returns to the state before a failed sign-in. */
  async function fallBack(trouble: Trouble): Promise<void> {
    const kept = await vault.session();
    if (kept) held.signedInAs(kept);
    else if (settings.auth === "guest") held.signedIn("guest");
    else held.signedOut(trouble.code === "sign_in_cancelled" ? "cancelled" : "failed", trouble);
  }

  async function enterFrom(from: Theirs, instead: (() => void) | null = null): Promise<void> {
    let asOf = held.signOuts();
    try {
      // A sign-out that did not reach the server is repeated first, or its session would sign the reader in.
      if (await isUnended(THERE)) await end(THERE);
      await tabs.alone(async () => {
        // Another tab may have been faster.
        const kept = await vault.session();
        if (kept) return held.signedInAs(kept);
        const credential = await credentialOf(from);
        if (asOf !== held.signOuts()) return;
        asOf = await makeWayFor(credential.user);
        const tokens = await broker.exchange(credential);
        if (asOf !== held.signOuts()) return tokens.refreshToken && end(tokens.refreshToken);
        await held.take(tokens, aReader(credential.user));
        held.signedIn("reader");
        tabs.tell({ type: "signed_in" });
      });
    } catch (error) {
      if (asOf !== held.signOuts()) return;
      if (!(error instanceof InvalidGrant)) return held.signedOut("failed", failureOf(error));
      if (instead) return instead();
      held.signedOut("never");
    }
  }

  /** Empties what the last reader left in this browser, if that was another; the number of sign-outs then. */
  async function makeWayFor(user: string | null): Promise<number> {
    const last = await vault.lastUser();
    if (last !== null && last !== user) markSignOut(settings.namespace);
    const state = held.state.getState();
    if (held.user() === null) held.makeWayFor(last);
    if (held.makeWayFor(user)) held.state.setState(state, true);
    return held.signOuts();
  }

  function beginThere(from: Theirs, browsing: Browsing): void {
    const url = settings.betterAuth?.signInUrl;
    held.state.setState({ name: "signing_in", by: "redirect" }, true);
    void enterFrom(from, () => {
      if (url) return browsing.leaveFor(url);
      const why = "The reader is not signed in at the site, and betterAuth.signInUrl names no page for it.";
      held.signedOut("failed", new Trouble("signed_out", why));
    });
  }

  async function enterByCookie(from: Cookies): Promise<void> {
    try {
      // A sign-out that did not reach the broker is repeated first, or the cookie would sign the reader in.
      if (await isUnended(COOKIE)) await end(COOKIE);
      held.takeByCookie(await from.token());
      held.signedIn("reader");
    } catch (error) {
      if (error instanceof InvalidGrant) held.signedOut("never");
      else held.signedOut("failed", failureOf(error));
    }
  }

  function begin(browsing: Browsing): void {
    stopWaiting();
    if (theirs) {
      beginThere(theirs, browsing);
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
    held.state.setState({ name: "signing_in", by }, true);
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

  return { begin, finish, enterFrom, enterByCookie, stopWaiting: () => stopWaiting() };
}

function aReader(user: string | null): { as: "reader"; id: string; user: string | null } {
  return { as: "reader", id: crypto.randomUUID(), user };
}

function failureOf(error: unknown): Trouble {
  if (error instanceof Trouble) return error;
  const words = error instanceof Error ? error.message : "unknown";
  return new Trouble("sign_in_failed", `Signing in: ${words}`);
}
