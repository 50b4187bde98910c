/** Every failure as one type: a stable code for the reader's sentence, and a line for the owner. */

export const TROUBLES = [
  "offline", // the browser says so
  "unreachable", // no answer: the service is down, or CORS or a policy is in the way
  "blocked", // the page's Content-Security-Policy forbids the address
  "signed_out", // there is no session: sign in
  "session_ended", // there was one, and it was ended elsewhere or has expired
  "rate_limited", // this reader asks too much; `retryAt` says until when
  "site_limited", // the site has no questions left; `retryAt`
  "unavailable", // 503: a check could not be made; `retryAt`
  "backend_failed", // 502: the site's answering service failed
  "timeout", // 504, or silence
  "torn", // the stream ended without its end
  "answer_too_large",
  "invalid_message", // 1 to 4,000 code points
  "invalid_selection", // 1 to 12,000 code points
  "not_allowed", // 403: this page is not registered, or the token is not for this
  "not_found",
  "clock_wrong", // the computer's clock is off by more than a minute and could not be corrected
  "sign_in_cancelled",
  "sign_in_failed",
  "misconfigured", // the broker does not know the site, or refuses its request
  "unexpected",
] as const;

export type TroubleCode = (typeof TROUBLES)[number];

export class Trouble extends Error {
  override readonly name = "Trouble";
  constructor(
    readonly code: TroubleCode,
    /** The explanation for the site's owner, in English: the observation, its place, and the remedy. */
    readonly advice: string,
    /** Milliseconds since the epoch, by this computer's clock, from which another try may succeed; 0 if
     * waiting does not help. */
    readonly retryAt: number = 0,
  ) {
    super(`${code}: ${advice}`);
  }
}
