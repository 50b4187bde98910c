/** Names under which this widget keeps things in the browser. */

/** Sites of one owner on GitHub Pages share an origin, so the site's name and path are both in the name. */
export function namespaceOf(clientId: string | undefined, baseUrl: string | undefined): string {
  return `chatgate:${clientId || "-"}:${baseUrl || "/"}`;
}

/** The key in sessionStorage of a sign-in that left the page, and of its answer from the callback page. */
export function redirectKey(namespace: string): string {
  return `${namespace}:redirect`;
}

/** The key in localStorage that changes with each sign-out by the reader. */
export function signOutKey(namespace: string): string {
  return `${namespace}:signed-out`;
}

/** The key in sessionStorage of the draft, the passage and the conversation of this tab. */
export function chatKey(namespace: string): string {
  return `${namespace}:chat`;
}
