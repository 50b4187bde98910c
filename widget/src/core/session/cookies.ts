/** The broker's session cookie, for pages of the broker's own site: its exchange for a token, and its end. */
import type { Clock } from "../clock.js";
import { troubleOf, troubleOfNetwork } from "../failures.js";
import type { Settings } from "../options.js";
import { InvalidGrant } from "./oauth.js";
import type { AccessToken, Places } from "./state.js";

const ANSWER_WITHIN = 15_000;

export interface Cookies {
  /** Every method rejects with Trouble, or with InvalidGrant if there is no living session. */
  token(): Promise<AccessToken>;
  signOut(): Promise<void>;
  places(): Promise<Places>;
  endPlace(id: string): Promise<void>;
}

export function createCookies(settings: Settings, clock: Clock): Cookies {
  const site = new URLSearchParams({ client_id: settings.clientId });

  async function ask(path: string, what: string, body?: unknown): Promise<Record<string, unknown>> {
    const url = `${settings.brokerUrl}${path}`;
    let answer: Response;
    try {
      answer = await fetch(url, {
        method: body === undefined ? "GET" : "POST",
        credentials: "include",
        signal: AbortSignal.timeout(ANSWER_WITHIN),
        ...(body !== undefined && {
          body: JSON.stringify(body),
          headers: { "Content-Type": "application/json" },
        }),
      });
    } catch {
      throw await troubleOfNetwork(url, what);
    }
    clock.hear(answer);
    if (answer.status === 401) throw new InvalidGrant("there is no living session");
    if (!answer.ok) throw await troubleOf(answer, what, clock.local());
    return answer.json().catch(() => ({}));
  }

  return {
    async token() {
      const found = await ask(`/auth/token?${site}`, "Exchanging the session");
      return {
        token: String(found.token),
        isBound: false,
        expiresAt: clock.now() + Number(found.expires_in) * 1000,
      };
    },
    async signOut() {
      await ask("/api/auth/sign-out", "Signing out", {});
    },
    async places() {
      const now = await ask("/api/auth/get-session", "Listing sign-ins");
      const { user, session } = now as { user?: Record<string, unknown>; session?: Record<string, unknown> };
      const list = (await ask("/api/auth/list-sessions", "Listing sign-ins")) as unknown as Record<
        string,
        unknown
      >[];
      return {
        user: user ? { name: String(user.name), email: String(user.email) } : null,
        places: list.map((one) => ({
          id: String(one.token),
          createdAt: Date.parse(String(one.createdAt)),
          expiresAt: Date.parse(String(one.expiresAt)),
          userAgent: typeof one.userAgent === "string" ? one.userAgent : null,
          address: typeof one.ipAddress === "string" ? one.ipAddress : null,
          isCurrent: one.id === session?.id,
        })),
      };
    },
    async endPlace(id) {
      await ask("/api/auth/revoke-session", "Ending a sign-in", { token: id });
    },
  };
}
