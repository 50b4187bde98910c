import { describe, expect, test } from "vitest";
import { checkedOptions, type Options } from "../src/core/options.js";

const PAGE = "https://owner.github.io/my-book/docs/intro";
const GOOD: Options = {
  backendUrl: "https://chat.example.org",
  brokerUrl: "https://auth.example.org/",
  clientId: "handbook",
  baseUrl: "/my-book/",
};

test("addresses are whole and have no slash at their end", () => {
  expect(checkedOptions(GOOD, PAGE)).toEqual({
    backendUrl: "https://chat.example.org",
    brokerUrl: "https://auth.example.org",
    clientId: "handbook",
    callbackUrl: "https://owner.github.io/my-book/chatgate-callback.html",
    auth: "better-auth",
    betterAuth: null,
    mode: "both",
    namespace: "chatgate:handbook:/my-book/",
  });
});

test("two sites of one origin, and two clients of one site, keep apart", () => {
  const names = [GOOD, { ...GOOD, baseUrl: "/other/" }, { ...GOOD, clientId: "b" }];
  expect(new Set(names.map((one) => checkedOptions(one, PAGE).namespace)).size).toBe(3);
});

test("without a broker only development's auth works", () => {
  const { backendUrl } = GOOD;
  expect(checkedOptions({ backendUrl, auth: "none" }, PAGE).brokerUrl).toBe("");
  expect(() => checkedOptions({ backendUrl }, PAGE)).toThrow("Option brokerUrl: it is missing");
});

describe("what cannot work is refused with the option's name", () => {
  test.each([
    [{ backendUrl: "" }, "backendUrl: it is missing"],
    [{ backendUrl: "http://chat.example.org" }, "backendUrl: it must begin with https://"],
    [{ backendUrl: "javascript:alert(1)" }, "backendUrl: it must begin with https://"],
    [{ brokerUrl: "https://user:pass@auth.example.org" }, "brokerUrl: it holds a user name or a password"],
    [{ brokerUrl: "https://auth.example.org/?key=1" }, "brokerUrl: it has a query"],
    [{ clientId: "Hand book" }, "clientId: it has to be the name"],
    [{ clientId: undefined }, "clientId: it has to be the name"],
    [{ auth: "jwt" as never }, "auth: it has to be one of better-auth, guest, cookie, none"],
    [{ mode: "all" as never }, "mode: it has to be one of normal, selection_only, both"],
  ])("%j", (change, words) => {
    expect(() => checkedOptions({ ...GOOD, ...change }, PAGE)).toThrow(words);
  });
});

test.each(["http://127.0.0.1:8001", "http://localhost:8001", "http://[::1]:8001"])(
  "%s is for development",
  (url) => {
    expect(checkedOptions({ ...GOOD, backendUrl: url }, PAGE).backendUrl).toBe(url);
  },
);

test("a Better Auth server of the site's own is taken as its client takes it", () => {
  const of = (betterAuth: Options["betterAuth"], auth?: Options["auth"]) =>
    checkedOptions({ ...GOOD, betterAuth, auth }, PAGE).betterAuth;
  expect(of({ baseURL: "/" })).toEqual({
    baseURL: "https://owner.github.io/api/auth",
    exchange: "session",
    signInUrl: undefined,
  });
  expect(of({ baseURL: "https://a.example/accounts/", exchange: "jwt", signInUrl: "/sign-in" })).toEqual({
    baseURL: "https://a.example/accounts",
    exchange: "jwt",
    signInUrl: "https://owner.github.io/sign-in",
  });
  const client = { getSession: async () => null, signOut: async () => null };
  expect(of({ client })?.client).toBe(client);
  for (const wrong of [{}, { baseURL: "http://a.example" }, { baseURL: "/", exchange: "cookie" as "jwt" }])
    expect(() => of(wrong)).toThrow(/betterAuth/);
  expect(() => of({ baseURL: "/" }, "guest")).toThrow(/betterAuth/);
});
