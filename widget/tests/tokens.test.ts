import { describe, expect, test } from "vitest";
import { tokensOf } from "../src/core/session/oauth.js";

const GOOD = { access_token: "a", token_type: "DPoP", expires_in: 300, refresh_token: "r", scope: "chat" };

test("a bound token with its life is taken", () => {
  expect(tokensOf(GOOD, "x", 1_000)).toEqual({
    accessToken: "a",
    isBound: true,
    expiresAt: 301_000,
    refreshToken: "r",
  });
});

describe("anything less is refused", () => {
  test.each([
    [{ access_token: "" }, "lacks"],
    [{ access_token: 1 }, "lacks"],
    [{ refresh_token: undefined }, "lacks"],
    [{ expires_in: "300" }, "lacks"],
    [{ expires_in: 0 }, "lacks"],
    [{ token_type: null }, "lacks"],
    [{ token_type: "Bearer" }, "did not bind"],
  ])("%j", (change, words) => {
    expect(() => tokensOf({ ...GOOD, ...change }, "x", 0)).toThrow(words);
  });
});
