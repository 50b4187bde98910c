/** The reader's session at the broker, and the access token that proves it to the proxy. */
import type { Clock } from "../clock.js";
import { markSignOut } from "../kept_chat.js";
import type { Settings } from "../options.js";
import { Trouble } from "../trouble.js";
import { createTheirs } from "./better_auth.js";
import { createCookies } from "./cookies.js";
import { COOKIE, createEndings, THERE } from "./endings.js";
import { createFollowing } from "./following.js";
import { createHeld } from "./held.js";
import { type Broker, InvalidGrant } from "./oauth.js";
import { takeBack } from "./redirect.js";
import { createRenewal } from "./renewal.js";
import { createSignIn } from "./sign_in.js";
import type { Places, Tokening } from "./state.js";
import { createTabs, type TabMessage } from "./tabs.js";
import type { Vault } from "./vault.js";

export function createSession(settings: Settings, broker: Broker, vault: Vault, clock: Clock): Tokening {
  const cookies = settings.auth === "cookie" ? createCookies(settings, clock) : null;
  const theirs = settings.betterAuth && createTheirs(settings.betterAuth, settings.clientId);
  const held = createHeld(vault, clock);
  const tabs = createTabs(settings.namespace, hear);
  const endings = createEndings(vault, async (session) => {
    if (session === COOKIE) await cookies?.signOut();
    else if (session === THERE) await theirs?.signOut();
    else await broker.revoke(session);
  });
  const parts = { settings, broker, vault, clock, tabs, held, cookies, theirs };
  const renewal = createRenewal(parts);
  const signIn = createSignIn(parts, endings);
  const following = createFollowing(parts, endings, signIn);

  function hear(message: TabMessage): void {
    if (message.type === "renewed") {
      const { token, isBound, expiresAt } = message;
      held.adopt(message.of, { token, isBound, expiresAt });
      renewal.heard();
    } else if (message.type === "signed_out") {
      signIn.stopWaiting();
      held.signedOut(message.because);
    } else {
      held.drop();
      const asOf = held.signOuts();
      void vault.session().then((kept) => kept && asOf === held.signOuts() && held.signedInAs(kept));
    }
  }

  async function start(): Promise<void> {
    if (settings.auth === "none") return held.signedIn("anyone");
    void endings.endUnended().catch(() => undefined);
    const back = takeBack(settings.namespace);
    if (back) {
      held.state.setState({ name: "signing_in", by: "redirect" }, true);
      return signIn.finish(back.attempt, new URLSearchParams(back.answer));
    }
    const kept = await vault.session();
    if (kept) held.signedInAs(kept);
    else if (theirs) return signIn.enterFrom(theirs);
    else if (cookies) return signIn.enterByCookie(cookies);
    else if (settings.auth === "guest") return held.signedIn("guest");
    else return held.signedOut("never");
    if (await following.follow()) return;
    // Renewing now shows that a session ended elsewhere before the reader has typed a question.
    await renewal.token().catch(() => undefined);
    // The reader may have signed in at the site again since.
    if (theirs && held.state.getState().name === "signed_out") await signIn.enterFrom(theirs);
  }

  async function signOut(): Promise<void> {
    const isByCookie = held.isByCookie();
    signIn.stopWaiting();
    markSignOut(settings.namespace);
    held.signedOut("reader");
    tabs.tell({ type: "signed_out", because: "reader" });
    if (isByCookie) return endings.end(COOKIE);
    // The lock waits for a renewal that is under way in any tab: its result must not outlive the sign-out.
    const kept = await tabs.alone(async () => {
      const found = await vault.session();
      await vault.forget();
      return found;
    });
    // The account is the site's: signed in there, the reader would be signed in here at the next page.
    const refreshTokens = kept?.refreshToken ? [kept.refreshToken] : [];
    await endings.endAll([...refreshTokens, ...(theirs ? [THERE] : [])]);
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
        throw renewal.ended();
      }
    });
  }

  async function placesOf(refreshToken: string): Promise<Places> {
    // A session that a JWT made has no list of sign-ins here: they are the site's.
    return refreshToken ? broker.places(refreshToken) : { user: null, places: [] };
  }

  return {
    state: held.state,
    start,
    signIn: signIn.begin,
    signOut,
    token: renewal.token,
    refused: (refusedToken) => held.drop(refusedToken.token),
    places: () => (held.isByCookie() && cookies ? cookies.places() : asKept(placesOf)),
    follow: following.follow,
    endPlace: (id) =>
      held.isByCookie() && cookies ? cookies.endPlace(id) : asKept((one) => broker.endPlace(one, id)),
    close() {
      signIn.stopWaiting();
      following.close();
      tabs.close();
    },
  };
}
