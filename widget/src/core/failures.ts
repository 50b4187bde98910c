/** Failures of the browser and of the services as a Trouble: one table, for every request. */
import { Trouble, type TroubleCode } from "./trouble.js";

/** A problem+json body (RFC 9457) of the proxy, an error of the broker, or neither. */
export interface Told {
  readonly code: string;
  readonly detail: string;
}

/** The code of a Trouble by the `code` of an answer, else by its status. docs/http.md has both. */
const BY_CODE: Readonly<Record<string, TroubleCode>> = {
  session_ended: "session_ended",
  rate_limited: "rate_limited",
  too_many_requests: "rate_limited",
  site_limited: "site_limited",
  invalid_message: "invalid_message",
  invalid_selected_text: "invalid_selection",
  bad_backend: "backend_failed",
  answer_too_large: "answer_too_large",
  backend_timeout: "timeout",
  answer_timeout: "timeout",
  invalid_client: "misconfigured",
  unauthorized_client: "misconfigured",
  client_id_required: "misconfigured",
};
const BY_STATUS: Readonly<Record<number, TroubleCode>> = {
  401: "session_ended",
  403: "not_allowed",
  404: "not_found",
  408: "timeout",
  429: "rate_limited",
  502: "backend_failed",
  503: "unavailable",
  504: "timeout",
};
/** Seconds to wait when an answer does not say how long. */
const DEFAULT_WAIT: Partial<Record<TroubleCode, number>> = {
  rate_limited: 10,
  site_limited: 60,
  unavailable: 2,
};
const LONGEST_WAIT = 86_400;

/** The Trouble of an answer that is no success; `now` is in milliseconds, by this computer's clock. Reads the body. */
export async function troubleOf(answer: Response, what: string, now: number): Promise<Trouble> {
  const said = await told(answer);
  const code = BY_CODE[said.code] ?? BY_STATUS[answer.status] ?? "unexpected";
  const wait = code in DEFAULT_WAIT ? waitOf(answer, code) : 0;
  const words = said.detail || said.code || "no explanation that can be read";
  return new Trouble(
    code,
    `${what}: ${answer.status} ${said.code}. ${words}`.trim(),
    wait ? now + wait * 1000 : 0,
  );
}

/** The Trouble of an `error` event within an answer. */
export function troubleOfEvent(code: string, message: string, what: string, now: number): Trouble {
  const found =
    BY_CODE[code] ??
    (code === "shutting_down" || code === "temporarily_unavailable" ? "unavailable" : "unexpected");
  const wait = DEFAULT_WAIT[found] ?? 0;
  return new Trouble(found, `${what}: ${code}. ${message}`, wait ? now + wait * 1000 : 0);
}

/** Tells whether a service refuses the time in a DPoP proof, which comes from this computer's clock. */
export function blamesClock(said: Told): boolean {
  return said.code === "invalid_dpop_proof" && /\biat\b/.test(said.detail);
}

/** The Trouble of a request to `url` without an answer. */
export async function troubleOfNetwork(url: string, what: string): Promise<Trouble> {
  if (globalThis.navigator?.onLine === false)
    return new Trouble("offline", `${what}: the browser is offline.`);
  const origin = new URL(url).origin;
  if (await policyBlocks(origin))
    return new Trouble(
      "blocked",
      `${what}: the page's Content-Security-Policy stops it. Add ${origin} to connect-src.`,
    );
  return new Trouble(
    "unreachable",
    `${what}: no answer from ${origin}. It is down, its address is wrong, or it does not know this page's ` +
      `origin${globalThis.location ? ` (${location.origin})` : ""}: list it in the origins of the site in chatgate.toml.`,
  );
}

/** The error in an answer; empty if the answer is not one of our services'. Reads the body. */
export async function told(answer: Response): Promise<Told> {
  try {
    const body: unknown = JSON.parse((await answer.text()).slice(0, 16_384));
    if (typeof body === "object" && body !== null) {
      const said = body as Record<string, unknown>;
      return {
        code: text(said.code) || text(said.error),
        detail: text(said.detail) || text(said.error_description) || text(said.message),
      };
    }
  } catch {
    // A proxy between the page and the service sent the answer, for example in HTML.
  }
  return { code: "", detail: "" };
}

function text(value: unknown): string {
  return typeof value === "string" ? value.slice(0, 500) : "";
}

function waitOf(answer: Response, code: TroubleCode): number {
  const seconds = Number.parseInt(answer.headers.get("retry-after") ?? "", 10);
  if (Number.isInteger(seconds) && seconds >= 0) return Math.min(Math.max(seconds, 1), LONGEST_WAIT);
  return DEFAULT_WAIT[code] ?? 0;
}

const blocked = new Set<string>();
let isWatching = false;

/** Records the addresses that the page's policy blocks: a blocked fetch looks like a network failure. */
export function watchPolicy(): void {
  if (isWatching || globalThis.document === undefined) return;
  isWatching = true;
  document.addEventListener("securitypolicyviolation", (event) => {
    if (event.effectiveDirective !== "connect-src" || event.disposition !== "enforce") return;
    try {
      blocked.add(new URL(event.blockedURI).origin);
    } catch {
      // `blockedURI` may be a keyword.
    }
  });
}

/** The event may come just after the failure that it explains. */
const EVENT_WITHIN_MS = 100;

async function policyBlocks(origin: string): Promise<boolean> {
  if (blocked.has(origin) || globalThis.document === undefined) return blocked.has(origin);
  await new Promise<void>((resolve) => {
    const end = () => {
      document.removeEventListener("securitypolicyviolation", end);
      resolve();
    };
    document.addEventListener("securitypolicyviolation", end);
    setTimeout(end, EVENT_WITHIN_MS);
  });
  return blocked.has(origin);
}
