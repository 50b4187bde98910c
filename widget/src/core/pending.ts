import { namespaceOf, redirectKey } from "./namespace.js";

/** Tells whether the reader returns from a sign-in that replaced this page. Loads nothing else. */
export function hasPendingRedirect(options: {
  clientId?: string | undefined;
  baseUrl?: string | undefined;
}): boolean {
  try {
    const kept = sessionStorage.getItem(redirectKey(namespaceOf(options.clientId, options.baseUrl)));
    return kept !== null && "answer" in JSON.parse(kept);
  } catch {
    // Storage is denied, or holds what another script of this origin wrote.
    return false;
  }
}
