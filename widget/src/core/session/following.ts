/** The session at the site's Better Auth server decides whose session is held here. */
import { markSignOut } from "../kept_chat.js";
import type { Endings } from "./endings.js";
import type { Parts } from "./renewal.js";
import type { SignIn } from "./sign_in.js";

/** Milliseconds. A question waits for the look, so a server that hangs must not hold it up for long. */
const LOOK_WITHIN = 2_000;

export interface Following {
  /** As `Session.follow`. */
  follow(): Promise<boolean>;
  close(): void;
}

export function createFollowing(parts: Parts, endings: Endings, signIn: SignIn): Following {
  const { settings, vault, tabs, held, theirs } = parts;
  let looking: Promise<boolean> | null = null;
  let isClosed = false;

  async function look(): Promise<boolean> {
    if (!theirs || isClosed || held.state.getState().name !== "signed_in") return false;
    const asOf = held.signOuts();
    let user: string | null;
    try {
      user = await soon(theirs.user());
    } catch {
      return false;
    }
    if (user === held.user() || asOf !== held.signOuts()) return false;
    if (!(await leave(user, asOf)) || user === null) return true;
    // A question that is submitted meanwhile waits, as at the start.
    held.state.setState({ name: "checking" }, true);
    await signIn.enterFrom(theirs);
    return true;
  }

  /** Ends the session that is held here. False if nothing is left to do: another tab has done it and already holds a session of `user`, which this tab then holds too, or the reader signed out meanwhile. */
  async function leave(user: string | null, asOf: number): Promise<boolean> {
    const [kept, isDone] = await tabs.alone(async () => {
      const found = await vault.session();
      const isTheirs = found !== null && found.user === user;
      if (!isTheirs) await vault.keep(null);
      return [found, isTheirs] as const;
    });
    // A session whose end does not reach the broker is ended at the next start.
    if (!isDone && kept?.refreshToken) void endings.end(kept.refreshToken).catch(() => undefined);
    if (asOf !== held.signOuts()) return false;
    if (!held.makeWayFor(user)) held.signedOut("there");
    if (isDone && kept) {
      held.signedInAs(kept);
      return false;
    }
    // Another tab that has left already has told the others, and may be signed in as `user` by now.
    if (kept) {
      markSignOut(settings.namespace);
      tabs.tell({ type: "signed_out", because: "there" });
    }
    return true;
  }

  function follow(): Promise<boolean> {
    looking ??= look().finally(() => {
      looking = null;
    });
    return looking;
  }

  theirs?.listen(() => void follow());
  return {
    follow,
    close() {
      isClosed = true;
    },
  };
}

function soon<T>(promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("no answer")), LOOK_WITHIN);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
