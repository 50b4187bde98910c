/** Sessions that are to be ended elsewhere. One whose end was not acknowledged is ended at the next start. */
import type { Vault } from "./vault.js";

/** Stands for the broker's cookie among the refresh tokens that are to be ended. */
export const COOKIE = "cookie";
/** Stands there for the session at the site's Better Auth server. */
export const THERE = "there";
const MOST_UNENDED = 8;

export interface Endings {
  /** Ends a session: by its refresh token, or the one that COOKIE or THERE stands for. Rejects with Trouble. */
  end(session: string): Promise<void>;
  /** Ends each; all are tried, and then the first failure rejects. */
  endAll(sessions: readonly string[]): Promise<void>;
  endUnended(): Promise<void>;
  isUnended(session: string): Promise<boolean>;
}

export function createEndings(vault: Vault, endThere: (session: string) => Promise<void>): Endings {
  async function end(session: string): Promise<void> {
    const others = (await vault.unended()).filter((one) => one !== session);
    await vault.keepUnended([...others, session].slice(-MOST_UNENDED));
    await endThere(session);
    await vault.keepUnended((await vault.unended()).filter((one) => one !== session));
  }

  async function endAll(sessions: readonly string[]): Promise<void> {
    let failure: unknown = null;
    for (const one of sessions)
      await end(one).catch((error) => {
        failure ??= error;
      });
    if (failure) throw failure;
  }

  return {
    end,
    endAll,
    async endUnended() {
      for (const one of await vault.unended()) await end(one);
    },
    isUnended: async (session) => (await vault.unended()).includes(session),
  };
}
