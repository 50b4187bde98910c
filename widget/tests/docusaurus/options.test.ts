import Joi from "joi";
import { describe, expect, it } from "vitest";
import {
  type CheckedOptions,
  optionsSchema,
  type PluginOptions,
  refuseSecrets,
  requireReachable,
} from "../../src/docusaurus/options.js";

const GOOD: PluginOptions = {
  backendUrl: "https://chat.example.org",
  brokerUrl: "https://auth.example.org",
  clientId: "handbook",
};

function checked(options: object): CheckedOptions {
  refuseSecrets(options);
  const { error, value } = optionsSchema(Joi).validate(options, { convert: false });
  if (error) throw error;
  return value;
}

// Put together here, so that no scanner takes this file for a leak.
const joined = (...parts: string[]) => parts.join("");

describe("the plugin's options", () => {
  it("have defaults", () => {
    expect(checked(GOOD)).toEqual({
      ...GOOD,
      auth: "better-auth",
      mode: "both",
      callbackPath: "chatgate-callback.html",
      global: true,
      include: [],
      exclude: [],
    });
  });

  it.each<Partial<Record<keyof PluginOptions, unknown>>>([
    { backendUrl: "http://127.0.0.1:8001", brokerUrl: "http://localhost:8000" },
    { backendUrl: "http://[::1]:8001" },
    { auth: "none", brokerUrl: undefined, clientId: undefined },
    { auth: "guest", mode: "selection_only", global: false, lang: "zh-Hant-TW", shortcut: false },
    { callbackPath: "signed-in/chatgate.html", include: ["/docs/**", "/"], exclude: ["/docs/legal/*"] },
    { suggestions: Array(8).fill("Where does it begin?"), strings: { ask: "Frag", send: "Los" } },
    { scope: "article, .theme-doc-markdown", shortcut: "Alt+Shift+A" },
    { strings: { notice: "See https://docs.example.org/a/long/path-to/the-privacy-notice-of-2026" } },
  ])("may be %j", (changes) => {
    expect(checked({ ...GOOD, ...changes })).toMatchObject(changes);
  });

  it.each<[object, string]>([
    [{ backendUrl: undefined }, '"backendUrl" is required'],
    [{ brokerUrl: undefined }, '"brokerUrl" is required'],
    [{ clientId: undefined }, '"clientId" is required'],
    [{ backendUrl: "https://chat.example.org/" }, "write an origin and nothing more"],
    [{ backendUrl: "https://chat.example.org/chat" }, "write an origin and nothing more"],
    [{ backendUrl: "//chat.example.org" }, "write an origin and nothing more"],
    [{ backendUrl: "ftp://chat.example.org" }, "write an origin and nothing more"],
    [{ backendUrl: "HTTPS://Chat.example.org" }, "write an origin and nothing more"],
    [{ brokerUrl: "http://auth.example.org" }, "use https; http is for an address of this machine"],
    [{ brokerUrl: "http://127.0.0.1.example.org" }, "use https"],
    [{ clientId: "a b" }, "the name of a site in chatgate.toml"],
    [{ auth: "basic" }, "must be one of [better-auth, guest, cookie, none]"],
    [{ mode: "all" }, "must be one of [normal, selection_only, both]"],
    [{ callbackPath: "/callback.html" }, "a relative path that ends in .html"],
    [{ callbackPath: "../callback.html" }, "a relative path that ends in .html"],
    [{ callbackPath: "a/../../callback.html" }, "a relative path that ends in .html"],
    [{ callbackPath: "callback" }, "a relative path that ends in .html"],
    [{ include: ["docs/**"] }, "a route that begins with /"],
    [{ include: "/docs/**" }, "must be an array"],
    [{ suggestions: Array(9).fill("Why?") }, "must contain less than or equal to 8 items"],
    [{ suggestions: [""] }, "is not allowed to be empty"],
    [{ strings: { ask: 1 } }, "must be a string"],
    [{ global: "yes" }, "must be a boolean"],
    [{ placement: "floating" }, '"placement" is not allowed'],
    [{ shortcut: true }, "must be one of [string, false]"],
    [{ lang: "deutsch bitte" }, "a language tag"],
  ])("stop the build: %j", (changes, message) => {
    expect(() => checked({ ...GOOD, ...changes })).toThrow(message);
  });

  it.each<[object, string]>([
    [{ secret: "x" }, "the option secret must not be there: its name"],
    [{ clientSecret: "x" }, "the option clientSecret"],
    [{ apiKey: "x" }, "the option apiKey"],
    [{ "api-key": "x" }, "the option api-key"],
    [{ access_token: "x" }, "the option access_token"],
    [{ strings: { brokerPassword: "x" } }, "the option strings.brokerPassword"],
    [
      { clientId: joined("sk-", "proj-0123456789abcdefghij") },
      "clientId must not be there: its value looks like an API",
    ],
    [
      { suggestions: ["Why?", joined("gh", "p_0123456789abcdefghijABCDEFGHIJ")] },
      "suggestions[1] must not be there",
    ],
    [{ strings: { ask: joined("-----BEGIN ", "PRIVATE KEY-----\nMC4C") } }, "in PEM"],
    [{ lang: joined("eyJ", "hbGciOiJFUzI1NiJ9", ".eyJzdWIiOiJhIn0.c2ln") }, "a JWT"],
    [{ brokerUrl: joined("https://reader", ":pw", "@auth.example.org") }, "an address with a password"],
    [{ scope: joined("postgres://app", ":pw", "@db.internal/chat") }, "an address with a password"],
    [{ scope: joined("AKIA", "ABCDEFGHIJKLMNOP") }, "an AWS access key"],
    [{ clientId: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" }, "random bytes"],
    [{ clientId: "k7Rt9VxQ2mLpZ4sBnW8yHcJ5dFgT1aXe" }, "random bytes"],
    [{ suggestions: ["Say q8Zt4+Yw/7Kx2LmNp5RsVb9CdFgHj1TuXz3AaBbEe0= to it"] }, "random bytes"],
  ])("hold no secret: %j", (changes, message) => {
    const options = { ...GOOD, ...changes };
    expect(() => checked(options)).toThrow(message);
    const [value] = Object.values(changes);
    if (typeof value === "string" && value.length > 1) expect(() => checked(options)).not.toThrow(value);
  });

  it("are for this machine only in a build for this machine", () => {
    const local = checked({ ...GOOD, backendUrl: "http://127.0.0.1:8001" });
    expect(() => requireReachable(local, "https://owner.github.io", true)).toThrow(
      "backendUrl: good for this machine",
    );
    expect(requireReachable(local, "https://owner.github.io", false)).toEqual(["backendUrl"]);
    expect(requireReachable(local, "http://localhost:3001", true)).toEqual(["backendUrl"]);
    expect(requireReachable(checked(GOOD), "https://owner.github.io", true)).toEqual([]);
    const open = checked({ ...GOOD, auth: "none" });
    expect(() => requireReachable(open, "https://owner.github.io", true)).toThrow('auth "none"');
  });
});
