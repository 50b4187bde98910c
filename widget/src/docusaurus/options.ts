/** The plugin's options: their form, and the part of them that a page receives. */
import type { Root, Schema } from "joi";
import type { Auth, Modes } from "../core/options.js";
import type { BetterAuthOptions } from "../core/session/better_auth.js";
import { findSecret } from "./secrets.js";

export interface PluginOptions {
  /** Origin of the chat proxy, as in `https://chat.example.org`. */
  backendUrl: string;
  /** Origin of the broker. Needed unless `auth` is `none`. */
  brokerUrl?: string;
  /** Name of the site's table in chatgate.toml. Needed unless `auth` is `none`. */
  clientId?: string;
  auth?: Auth;
  /** A Better Auth server of the site's own; its client is no text, so it cannot be given here. */
  betterAuth?: Omit<BetterAuthOptions, "client">;
  mode?: Modes;
  /** The path of the page that receives the answer of a sign-in, below the base URL of each locale. */
  callbackPath?: string;
  /** False: only where a chapter has `@theme/ChatKitWidget`. */
  global?: boolean;
  /** Routes that have the global widget, below the base URL, as in `/docs/**`. All when left out. */
  include?: readonly string[];
  exclude?: readonly string[];
  suggestions?: readonly string[];
  strings?: Readonly<Record<string, string>>;
  scope?: string;
  shortcut?: string | false;
  /** BCP 47; the language of the built locale when left out. */
  lang?: string;
}

export type CheckedOptions = PluginOptions & {
  id: string;
  callbackPath: string;
  global: boolean;
  include: readonly string[];
  exclude: readonly string[];
};

export const DEFAULT_CALLBACK_PATH = "chatgate-callback.html";
const MAX_PATTERNS = 100;
const MAX_SUGGESTIONS = 8;
const MAX_STRINGS = 500;

/** Throws if an option looks like a secret. The message never has the value, because builds are logged. */
export function refuseSecrets(options: unknown): void {
  const found = findSecret(options);
  if (!found) return;
  throw new Error(
    `the option ${found.option} must not be there: ${found.reason}. The options are in the pages that every ` +
      "reader gets, and the widget needs no secret. Take it out, change it where it is valid if it was ever " +
      "published, and give secrets to the services alone (chatgate.toml, CHATGATE_*_FILE).",
  );
}

/** `Joi` is the site's own, as schemas of two cannot be mixed. */
export function optionsSchema(Joi: Root): Schema {
  const unlessNone = { is: "none", otherwise: Joi.required() };
  const patterns = Joi.array()
    .items(Joi.string().max(500).pattern(/^\//, "a route that begins with /"))
    .max(MAX_PATTERNS)
    .default([]);
  return Joi.object({
    backendUrl: Joi.string().custom(originOf).required(),
    brokerUrl: Joi.string().custom(originOf).when("auth", unlessNone),
    clientId: Joi.string()
      .pattern(/^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/, "the name of a site in chatgate.toml")
      .when("auth", unlessNone),
    auth: Joi.string().valid("better-auth", "guest", "cookie", "none").default("better-auth"),
    betterAuth: Joi.object({
      baseURL: Joi.string().max(500).required(),
      exchange: Joi.string().valid("session", "jwt"),
      signInUrl: Joi.string().max(500),
    }),
    mode: Joi.string().valid("normal", "selection_only", "both").default("both"),
    callbackPath: Joi.string()
      .max(200)
      .pattern(/^(?:[\w~-][\w.~-]*\/)*[\w~-][\w.~-]*\.html$/, "a relative path that ends in .html")
      .default(DEFAULT_CALLBACK_PATH),
    global: Joi.boolean().default(true),
    include: patterns,
    exclude: patterns,
    suggestions: Joi.array().items(Joi.string().max(200)).max(MAX_SUGGESTIONS),
    strings: Joi.object().pattern(Joi.string(), Joi.string().max(2000)).max(MAX_STRINGS),
    scope: Joi.string().max(500),
    shortcut: Joi.alternatives(Joi.string().max(50), Joi.valid(false)),
    lang: Joi.string().pattern(/^[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*$/, "a language tag"),
  });
}

/** Checks an origin. Joi reports an error thrown here as the option's fault. */
function originOf(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url?.origin !== value || !["https:", "http:"].includes(url.protocol)) {
    throw new Error("write an origin and nothing more, as in https://chat.example.org");
  }
  if (url.protocol === "http:" && !isLoopback(url)) {
    throw new Error("use https; http is for an address of this machine (127.0.0.1, [::1], localhost)");
  }
  return value;
}

export function isLoopback(url: URL): boolean {
  return ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
}

/**
 * Finds options that work on this machine alone, and returns their names.
 *
 * Throws for a site that is built for readers elsewhere, who could neither reach these addresses nor be told
 * apart.
 */
export function requireReachable(options: CheckedOptions, siteUrl: string, isProduction: boolean): string[] {
  const local = (["backendUrl", "brokerUrl"] as const).filter((name) => options[name]?.startsWith("http:"));
  const named: string[] = options.auth === "none" ? [...local, "auth"] : local;
  if (named.length > 0 && isProduction && !isLoopback(new URL(siteUrl))) {
    throw new Error(
      `${named.join(", ")}: good for this machine alone (http on loopback, auth "none"), and this build is ` +
        `for ${siteUrl}. Give the public https addresses, or build a preview with a url on localhost.`,
    );
  }
  return named;
}
