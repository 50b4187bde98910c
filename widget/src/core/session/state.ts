/** The states of a reader's session, the places of its sign-ins, and its interfaces for the view and the chat. */
import type { StoreApi } from "zustand/vanilla";
import { Trouble } from "../trouble.js";

export type SessionState =
  | { readonly name: "checking" }
  | {
      readonly name: "signed_out";
      /** `never` at the start, `reader` after a sign-out (here or in another tab), `ended` by the broker, `there`
       * when the session is no longer this reader's: the site's Better Auth server has none any more, or another
       * user's, or another reader signed in after the session had ended. */
      readonly because: "never" | "reader" | "ended" | "there" | "cancelled" | "failed";
      readonly trouble: Trouble | null;
    }
  | { readonly name: "signing_in"; readonly by: "popup" | "redirect" }
  | {
      readonly name: "signed_in";
      readonly as: "reader" | "guest" | "anyone";
      /** False if the browser keeps no data, as in a private window: the sign-in then ends with the page. */
      readonly isKept: boolean;
    };

/** One place where the reader is signed in. Times are milliseconds since the epoch. */
export interface SignedInPlace {
  readonly id: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly userAgent: string | null;
  readonly address: string | null;
  readonly isCurrent: boolean;
}

export interface Places {
  readonly user: { readonly name: string; readonly email: string } | null;
  readonly places: readonly SignedInPlace[];
}

/** The answer of /oauth2/sessions, with every member checked. */
export function placesOf(body: unknown): Places {
  const { user, sessions } = body as {
    user?: { name?: unknown; email?: unknown } | null;
    sessions?: unknown;
  };
  if (!Array.isArray(sessions))
    throw new Trouble("unexpected", "Listing sign-ins: the broker's answer has no list.");
  return {
    user: user ? { name: String(user.name ?? ""), email: String(user.email ?? "") } : null,
    places: sessions.map((one: Record<string, unknown>) => ({
      id: String(one.id),
      createdAt: Number(one.created_at) * 1000,
      expiresAt: Number(one.expires_at) * 1000,
      userAgent: typeof one.user_agent === "string" ? one.user_agent : null,
      address: typeof one.address === "string" ? one.address : null,
      isCurrent: one.current === true,
    })),
  };
}

/** Opens windows and leaves the page; the core has no DOM, so the element gives it these. */
export interface Browsing {
  /** Opens an empty popup at once, in the handler of a click; null if the browser blocks it. */
  openPopup(): { goTo(url: string): void } | null;
  /** Leaves this page for `url`. */
  leaveFor(url: string): void;
  /** The page's own address, to which the reader returns. */
  here(): string;
  /** The language of the page, for the broker's own. */
  language(): string;
}

export interface Session {
  readonly state: StoreApi<SessionState>;
  /** Finds the reader's session: a kept one, the answer of a redirect, a guest's, a cookie's. Never rejects. */
  start(): Promise<void>;
  /** Call it in the handler of a click, before any await: the browser would block the popup otherwise. */
  signIn(browsing: Browsing): void;
  /** Ends the session at the broker, here and in all tabs. Rejects with Trouble if the broker did not answer;
   * the reader is signed out here all the same, and the next start tells the broker again. */
  signOut(): Promise<void>;
  /** The places at which the reader is signed in to this site. Rejects with Trouble. */
  places(): Promise<Places>;
  /** Ends the session at one place. Rejects with Trouble. */
  endPlace(id: string): Promise<void>;
  /** With a Better Auth server of the site: looks whose session the browser has there. If it is another user's, it
   * signs out here and in as that user; if there is none, it signs out. True if either happened. A server that
   * fails changes nothing. Never rejects. */
  follow(): Promise<boolean>;
  /** Stops listening to other tabs and popups. */
  close(): void;
}

/** A credential for one request to the proxy. */
export interface AccessToken {
  readonly token: string;
  readonly isBound: boolean;
  readonly expiresAt: number;
}

export interface Tokening extends Session {
  /** A valid access token, renewed if needed; null if the proxy asks for none. Rejects with Trouble. */
  token(): Promise<AccessToken | null>;
  /** Notes that the proxy refuses `token`: the next `token()` gets another, or finds the session ended. */
  refused(token: AccessToken): void;
}
