import { namespaceOf } from "./namespace.js";
import type { BetterAuthOptions } from "./session/better_auth.js";
import { Trouble } from "./trouble.js";

/** The questions that a reader may ask: about the whole book, about a selected passage alone, or either. */
export type Modes = "normal" | "selection_only" | "both";

/**
 * The way to identify a reader: `better-auth` signs in at the broker or, with `betterAuth`, takes the session
 * that the reader has at a Better Auth server of the site's own, `guest` begins without a click and may sign in,
 * `cookie` uses the broker's session cookie where there is one (pages of the broker's own site) and signs in
 * at the broker where there is none, `none` asks a proxy of a development configuration without a token.
 */
export type Auth = "better-auth" | "guest" | "cookie" | "none";

/** The options that a site's owner gives the widget. No option is a secret. */
export interface Options {
  /** Address of the chat proxy, as in `https://chat.example.org`. */
  backendUrl: string;
  /** Address of the broker. Needed unless `auth` is `none`. */
  brokerUrl?: string | undefined;
  /** Name of the site's table in chatgate.toml. Needed unless `auth` is `none`. */
  clientId?: string | undefined;
  /** The page that takes the answer of a sign-in, registered as a redirect URI; absolute, or from the page. */
  callbackUrl?: string | undefined;
  auth?: Auth | undefined;
  /** The site's own Better Auth server, for a site with a table `better_auth` in chatgate.toml. */
  betterAuth?: BetterAuthOptions | undefined;
  mode?: Modes | undefined;
  /** Path under which the site lives, so that several sites of one origin keep their sessions apart. */
  baseUrl?: string | undefined;
}

/** Options that were checked. Addresses have no slash at their end. */
export interface Settings {
  readonly backendUrl: string;
  readonly brokerUrl: string;
  readonly clientId: string;
  readonly callbackUrl: string;
  readonly auth: Auth;
  readonly betterAuth: BetterAuthOptions | null;
  readonly mode: Modes;
  /** The prefix of every name under which this widget keeps data in the browser. */
  readonly namespace: string;
}

export const AUTHS: readonly Auth[] = ["better-auth", "guest", "cookie", "none"];
const EXCHANGES = ["session", "jwt"] as const;
export const MODES: readonly Modes[] = ["normal", "selection_only", "both"];
export const CALLBACK_PAGE = "chatgate-callback.html";
const LOOPBACK = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** `page` is the address of the page. Throws Trouble `misconfigured`, which names the option. */
export function checkedOptions(options: Options, page: string): Settings {
  const auth = oneOf("auth", options.auth ?? "better-auth", AUTHS);
  const needsBroker = auth !== "none";
  const baseUrl = options.baseUrl || "/";
  return {
    backendUrl: address("backendUrl", options.backendUrl, page),
    brokerUrl: needsBroker ? address("brokerUrl", options.brokerUrl, page) : "",
    clientId: needsBroker ? named("clientId", options.clientId) : "",
    callbackUrl: new URL(options.callbackUrl ?? `${baseUrl}${CALLBACK_PAGE}`, page).href,
    auth,
    betterAuth: options.betterAuth ? theirs(options.betterAuth, auth, page) : null,
    mode: oneOf("mode", options.mode ?? "both", MODES),
    namespace: namespaceOf(options.clientId, baseUrl),
  };
}

function theirs(options: BetterAuthOptions, auth: Auth, page: string): BetterAuthOptions {
  if (auth !== "better-auth") throw wrong("betterAuth", "auth has to be better-auth with it");
  const exchange = oneOf("betterAuth.exchange", options.exchange ?? "session", EXCHANGES);
  const signInUrl = options.signInUrl && new URL(options.signInUrl, page).href;
  if (options.client) return { client: options.client, exchange, signInUrl };
  const given = address("betterAuth.baseURL", options.baseURL, page);
  // As Better Auth's own client does it.
  const baseURL = new URL(given).pathname === "/" ? `${given}/api/auth` : given;
  return { baseURL, exchange, signInUrl };
}

export function isLoopback(hostname: string): boolean {
  return LOOPBACK.test(hostname) || hostname.endsWith(".localhost");
}

function address(name: string, value: string | undefined, page: string): string {
  if (!value) throw wrong(name, "it is missing");
  let url: URL;
  try {
    url = new URL(value, page);
  } catch {
    throw wrong(name, "it is not an address such as https://chat.example.org");
  }
  if (url.username || url.password)
    throw wrong(name, "it holds a user name or a password, which every reader could see");
  if (url.search || url.hash) throw wrong(name, "it has a query or a fragment");
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.hostname)))
    throw wrong(name, "it must begin with https:// (http:// is for loopback addresses)");
  return url.href.replace(/\/+$/, "");
}

function named(name: string, value: string | undefined): string {
  if (!value || !/^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/.test(value))
    throw wrong(name, "it has to be the name of the site's table in chatgate.toml");
  return value;
}

function oneOf<T extends string>(name: string, value: string, all: readonly T[]): T {
  const found = all.find((one) => one === value);
  if (found === undefined) throw wrong(name, `it has to be one of ${all.join(", ")}`);
  return found;
}

function wrong(name: string, why: string): Trouble {
  return new Trouble("misconfigured", `Option ${name}: ${why}.`);
}
