/** The reader whose access token it is. The broker's tokens are JWTs (RFC 9068), and the widget is the broker's own client. */

/** The reader's id (`sub`); null if the token is none of the broker's. */
export function subjectOf(token: string): string | null {
  try {
    const [, payload = ""] = token.split(".");
    const claims: unknown = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    const { sub } = claims as { sub?: unknown };
    return typeof sub === "string" ? sub : null;
  } catch {
    return null;
  }
}
