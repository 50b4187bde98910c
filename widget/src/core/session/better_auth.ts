/** The site's own Better Auth server, where the reader is signed in already: the credential that it gives for the exchange. */
import { Trouble } from "../trouble.js";

/** The thing that is exchanged at the broker: a session's token, or a JWT of the server's `jwt` plugin. */
export type Exchange = "session" | "jwt";

/** The part of a Better Auth client that is used. */
export interface BetterAuthClient {
  getSession(): Promise<unknown>;
  signOut(): Promise<unknown>;
  /** Comes with the client's `jwtClient` plugin; needed for `exchange: "jwt"`. */
  token?(): Promise<unknown>;
  /** The client's own; tells at once of a change by its other callers. */
  $store?: { listen(signal: string, listener: () => void): unknown } | undefined;
}

/** One of `baseURL` and `client` is needed. */
export interface BetterAuthOptions {
  /** The server's address, as its own client takes it: `/api/auth` is appended to one without a path. */
  baseURL?: string | undefined;
  /** The site's own client, in place of the address. */
  client?: BetterAuthClient | undefined;
  /** `jwt` for a site whose `upstream` in chatgate.toml is `jwt`. */
  exchange?: Exchange | undefined;
  /** The site's own page for signing in, to which a reader goes who is not signed in. */
  signInUrl?: string | undefined;
}

export interface Credential {
  readonly token: string;
  readonly exchange: Exchange;
  /** As `Theirs.user`. */
  readonly user: string;
}

export interface Theirs {
  /** A hash of the user whose session this browser has there; null if it has none. Rejects with Trouble. */
  user(): Promise<string | null>;
  /** Null if the reader is not signed in there. Rejects with Trouble. */
  credential(): Promise<Credential | null>;
  /** Ends the reader's session there. Rejects with Trouble. */
  signOut(): Promise<void>;
  /** Calls `listener` when the site's client has changed the session; without a client, never. */
  listen(listener: () => void): void;
}

type Members = Readonly<Record<string, unknown>>;

interface Found {
  readonly token: unknown;
  readonly user: string;
}

const ANSWER_WITHIN = 15_000;

export function createTheirs(options: BetterAuthOptions, clientId: string): Theirs {
  const { client, baseURL = "" } = options;
  const exchange = options.exchange ?? "session";

  async function ask(path: string, what: string, body?: string): Promise<unknown> {
    let answer: Response;
    try {
      answer = await fetch(`${baseURL}${path}`, {
        method: body === undefined ? "GET" : "POST",
        credentials: "include",
        cache: "no-store",
        signal: AbortSignal.timeout(ANSWER_WITHIN),
        ...(body !== undefined && { body, headers: { "Content-Type": "application/json" } }),
      });
    } catch {
      throw new Trouble(
        "unreachable",
        `${what}: no answer from ${baseURL}. On another origin than the page's it has to allow the page's, with credentials.`,
      );
    }
    // Better Auth says so where there is no session.
    if (answer.status === 401) return null;
    if (!answer.ok) throw failed(what, String(answer.status));
    return answer.json().catch(() => {
      throw failed(what, "no JSON");
    });
  }

  /** The client rejects without a network, and otherwise returns an error beside the data. */
  async function asked(what: string, call: () => Promise<unknown>): Promise<unknown> {
    let answer: unknown;
    try {
      answer = await call();
    } catch {
      throw new Trouble("unreachable", `${what}: the site's Better Auth client could not reach its server.`);
    }
    // A client that was made to throw returns the data alone.
    if (typeof answer !== "object" || answer === null || !("data" in answer)) return answer;
    const { data, error } = answer as { data: unknown; error?: { status?: unknown } | null };
    if (error && error.status !== 401) throw failed(what, String(error.status));
    return error ? null : data;
  }

  async function session(): Promise<Found | null> {
    const what = "Finding the site's session";
    const found = client ? await asked(what, () => client.getSession()) : await ask("/get-session", what);
    if (found === null) return null;
    const { session, user } = (found ?? {}) as { session?: Members | null; user?: Members | null };
    if (session === null) return null;
    const id = session?.userId ?? user?.id;
    // A page of HTML with 200 is text to the client, and says nothing about a session.
    if (!session || id === undefined) throw failed(what, "neither a session nor null");
    return { token: session.token, user: await hashOf(`${clientId} ${id}`) };
  }

  async function jwt(): Promise<unknown> {
    const what = "Asking the site for a token";
    const found = client ? await asked(what, async () => client.token?.()) : await ask("/token", what);
    return (found as { token?: unknown } | null)?.token;
  }

  return {
    user: async () => (await session())?.user ?? null,
    async credential() {
      const found = await session();
      if (found === null) return null;
      const token = exchange === "jwt" ? await jwt() : found.token;
      return typeof token === "string" && token !== "" ? { token, exchange, user: found.user } : null;
    },
    async signOut() {
      const what = "Signing out of the site";
      await (client ? asked(what, () => client.signOut()) : ask("/sign-out", what, "{}"));
    },
    listen: (listener) => void client?.$store?.listen("$sessionSignal", listener),
  };
}

async function hashOf(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return Array.from(digest, (one) => one.toString(16).padStart(2, "0")).join("");
}

function failed(what: string, why: string): Trouble {
  return new Trouble(
    "unavailable",
    `${what}: the site's Better Auth server answered ${why}.`,
    Date.now() + 2_000,
  );
}
