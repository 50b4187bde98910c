/** The data that outlives the page: the DPoP key, which cannot be exported, and the refresh token bound to it. */
import { createStore, del, get, set, type UseStore } from "idb-keyval";

export interface KeptSession {
  readonly refreshToken: string;
  readonly as: "reader" | "guest";
  /** The tabs' name for the session, which stays while its tokens change. */
  readonly id: string;
  /** The reader's id at the broker, or a hash of the user's at the site's Better Auth server; null for a guest. */
  readonly user: string | null;
  /** Milliseconds since the epoch. */
  readonly renewedAt: number;
}

export interface Vault {
  /** False once the browser has refused to keep data. */
  isKept(): boolean;
  /** The key pair of this browser for this site; made by `make` at the first call. */
  key(make: () => Promise<CryptoKeyPair>): Promise<CryptoKeyPair>;
  session(): Promise<KeptSession | null>;
  keep(session: KeptSession | null): Promise<void>;
  /** The `user` of the last session that was kept, also after its end; null where there was none, or the reader
   * signed out. */
  lastUser(): Promise<string | null>;
  /** Drops the session and its user. */
  forget(): Promise<void>;
  /** Refresh tokens whose end the broker has not acknowledged yet. */
  unended(): Promise<readonly string[]>;
  keepUnended(tokens: readonly string[]): Promise<void>;
}

/** A browser may never answer an IndexedDB request; then only the page remembers. */
const PATIENCE_MS = 3_000;

export function createVault(namespace: string): Vault {
  const memory = new Map<string, unknown>();
  let store: UseStore | null = open(namespace);

  async function attempt<T>(run: (store: UseStore) => Promise<T>, instead: () => T): Promise<T> {
    if (store === null) return instead();
    try {
      return await within(PATIENCE_MS, run(store));
    } catch {
      // A private window, blocked site data or a full disk: the data then ends with the page.
      store = null;
      return instead();
    }
  }

  async function read<T>(name: string): Promise<T | undefined> {
    return attempt(
      (from) => get<T>(name, from),
      () => memory.get(name) as T | undefined,
    );
  }

  async function write(name: string, value: unknown): Promise<void> {
    // A copy stays in memory, so that no data is lost if the store fails later.
    if (value === undefined) memory.delete(name);
    else memory.set(name, value);
    await attempt(
      (to) => (value === undefined ? del(name, to) : set(name, value, to)),
      () => undefined,
    );
  }

  return {
    isKept: () => store !== null,
    async key(make) {
      const kept = await read<CryptoKeyPair>("key");
      if (kept !== undefined) return kept;
      const made = await make();
      await write("key", made);
      return made;
    },
    session: async () => (await read<KeptSession>("session")) ?? null,
    async keep(session) {
      // First, so that a page that closes in between leaves no session whose user was forgotten.
      if (session?.user) await write("user", session.user);
      await write("session", session ?? undefined);
    },
    lastUser: async () => (await read<string>("user")) ?? null,
    async forget() {
      await write("session", undefined);
      await write("user", undefined);
    },
    unended: async () => (await read<readonly string[]>("unended")) ?? [],
    keepUnended: (tokens) => write("unended", tokens.length > 0 ? tokens : undefined),
  };
}

function open(namespace: string): UseStore | null {
  try {
    return createStore(namespace, "kept");
  } catch {
    return null;
  }
}

function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("no answer")), milliseconds);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
