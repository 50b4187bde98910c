/** Access tokens of the held session: a fresh one, or one that a single tab renews for all. */
import type { Clock } from "../clock.js";
import type { Settings } from "../options.js";
import { Trouble } from "../trouble.js";
import type { Credential, Theirs } from "./better_auth.js";
import type { Cookies } from "./cookies.js";
import type { Held } from "./held.js";
import { type Broker, InvalidGrant, type Tokens } from "./oauth.js";
import type { AccessToken } from "./state.js";
import type { Tabs } from "./tabs.js";
import type { KeptSession, Vault } from "./vault.js";

/** Milliseconds for which another tab's message of a renewal may follow the release of its lock. */
const WORD_WITHIN = 250;

/** The parts of a session. `cookies` and `theirs` are null where the settings name no such way. */
export interface Parts {
  readonly settings: Settings;
  readonly broker: Broker;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly tabs: Tabs;
  readonly held: Held;
  readonly cookies: Cookies | null;
  readonly theirs: Theirs | null;
}

export interface Renewal {
  /** As `Tokening.token`. */
  token(): Promise<AccessToken | null>;
  /** Signs out, here and in all tabs, as the session has ended; the Trouble to reject with. */
  ended(): Trouble;
  /** Call it when another tab has told of its renewal. */
  heard(): void;
}

export function createRenewal(parts: Parts): Renewal {
  const { settings, broker, vault, clock, tabs, held, cookies, theirs } = parts;
  let renewing: Promise<AccessToken> | null = null;
  let heard = () => {};

  function wordOfRenewal(): Promise<void> {
    return new Promise((resolve) => {
      heard = resolve;
      setTimeout(resolve, WORD_WITHIN);
    });
  }

  async function renew(): Promise<AccessToken> {
    const askedAt = clock.local();
    const asOf = held.signOuts();
    return tabs.alone(async () => {
      // Another tab may have renewed it while this one waited.
      const kept = await vault.session();
      if (!held.fresh() && kept && kept.renewedAt >= askedAt) await wordOfRenewal();
      const fresh = held.fresh();
      if (fresh) return fresh;
      // The storage of this tab failed, which says nothing about the session: the other tabs keep it.
      if (kept === null && settings.auth !== "guest") throw ended({ everywhere: false });
      try {
        const tokens = await renewed(kept);
        const session = kept ?? aGuest();
        const found = await held.take(tokens, session);
        // The sign-out waits for this lock, and ends the session that was kept here.
        if (asOf !== held.signOuts()) {
          held.forget();
          throw signedOutMeanwhile();
        }
        tabs.tell({ type: "renewed", of: session.id, ...found });
        return found;
      } catch (error) {
        if (!(error instanceof InvalidGrant)) throw error;
        await vault.keep(null);
        // A guest loses nothing with a session that ended, and begins another.
        if (kept?.as === "guest" && settings.auth === "guest")
          return held.take(await broker.guest(), aGuest());
        throw ended();
      }
    });
  }

  async function renewed(kept: KeptSession | null): Promise<Tokens> {
    if (kept?.refreshToken) return broker.refresh(kept.refreshToken);
    if (!theirs) return broker.guest();
    const credential = await credentialOf(theirs);
    if (credential.user !== kept?.user) throw new InvalidGrant("another user is signed in at the site");
    return broker.exchange(credential);
  }

  function ended({ everywhere } = { everywhere: true }): Trouble {
    const why = everywhere ? "The broker says that this session has ended." : "The browser lost the session.";
    const trouble = new Trouble("session_ended", why);
    if (held.state.getState().name === "signed_in") {
      held.signedOut("ended", trouble);
      if (everywhere) tabs.tell({ type: "signed_out", because: "ended" });
    }
    return trouble;
  }

  async function byCookie(from: Cookies): Promise<AccessToken> {
    try {
      const found = await from.token();
      if (!held.isByCookie()) throw signedOutMeanwhile();
      held.takeByCookie(found);
      if (held.state.getState().name !== "signed_in") held.signedIn("reader");
      return found;
    } catch (error) {
      if (error instanceof InvalidGrant) throw ended();
      throw error;
    }
  }

  async function token(): Promise<AccessToken | null> {
    const now = held.state.getState();
    if (settings.auth === "none") return null;
    if (now.name !== "signed_in")
      throw new Trouble("signed_out", "There is no session; the reader has to sign in.");
    const fresh = held.fresh();
    if (fresh) return fresh;
    renewing ??= (held.isByCookie() && cookies ? byCookie(cookies) : renew()).finally(() => {
      renewing = null;
    });
    return renewing;
  }

  return { token, ended: () => ended(), heard: () => heard() };
}

/** The credential of the session that the reader has at the site. Rejects with InvalidGrant if there is none. */
export async function credentialOf(from: Theirs): Promise<Credential> {
  const credential = await from.credential();
  if (credential === null) throw new InvalidGrant("the reader is not signed in at the site");
  return credential;
}

function aGuest(): { as: "guest"; id: string; user: null } {
  return { as: "guest", id: crypto.randomUUID(), user: null };
}

function signedOutMeanwhile(): Trouble {
  return new Trouble("signed_out", "The reader signed out while the session was renewed.");
}
