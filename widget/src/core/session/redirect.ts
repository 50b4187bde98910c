/** A sign-in that replaces the page: its data waits in sessionStorage for the reader's return. */
import { redirectKey } from "../namespace.js";
import type { Attempt } from "./oauth.js";

export interface Redirect {
  readonly attempt: Attempt;
  /** `?code=...` or `?error=...`, as the callback page received it. */
  readonly answer: string;
}

/** Stores the sign-in. False if the browser keeps no data: the page could not check the answer then. */
export function leaveBehind(namespace: string, attempt: Attempt, page: string): boolean {
  try {
    // The callback page reads `state` and `page` of this, and adds `answer`.
    sessionStorage.setItem(redirectKey(namespace), JSON.stringify({ ...attempt, page }));
    return true;
  } catch {
    return false;
  }
}

/** The answer that the callback page brought, once; null when no sign-in led here. */
export function takeBack(namespace: string): Redirect | null {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(redirectKey(namespace)) ?? "null");
    sessionStorage.removeItem(redirectKey(namespace));
    if (typeof kept !== "object" || kept === null) return null;
    const { state, verifier, redirectUri, answer } = kept as Record<string, unknown>;
    if (![state, verifier, redirectUri, answer].every((one) => typeof one === "string")) return null;
    return { attempt: { state, verifier, redirectUri } as Attempt, answer: answer as string };
  } catch {
    return null;
  }
}
