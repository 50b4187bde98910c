import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  countCodePoints,
  normaliseMessage,
  normaliseSelection,
  troubleOfMessage,
  troubleOfSelection,
} from "../src/core/texts.js";

type Pieces = readonly (readonly [string, number])[];
interface Case {
  readonly name: string;
  readonly text: Pieces;
  readonly normalised: Pieces | null;
  readonly valid: boolean;
}

// The proxy's tests read the same table.
const table: { messages: Case[]; selections: Case[] } = JSON.parse(
  readFileSync(new URL("../../tests/vectors/texts.json", import.meta.url), "utf8"),
);

function whole(pieces: Pieces): string {
  return pieces.map(([piece, count]) => piece.repeat(count)).join("");
}

describe("messages", () => {
  test.each(table.messages)("$name", ({ text, normalised, valid }) => {
    const found = normaliseMessage(whole(text));
    expect(troubleOfMessage(found) === null).toBe(valid);
    if (normalised !== null) expect(found).toBe(whole(normalised));
  });
});

describe("selections", () => {
  test.each(table.selections)("$name", ({ text, normalised, valid }) => {
    const found = normaliseSelection(whole(text));
    expect(troubleOfSelection(found) === null).toBe(valid);
    if (normalised !== null) expect(found).toBe(whole(normalised));
  });
});

test("code points are counted, not UTF-16 units", () => {
  expect(countCodePoints("a😀é\ud800")).toBe(4);
});

test("a megabyte of blanks is trimmed at once", () => {
  const begun = process.cpuUsage();
  expect(normaliseSelection(`${" ".repeat(1e6)}x${"\u0085".repeat(1e6)}`)).toBe("x");
  expect(process.cpuUsage(begun).user / 1_000).toBeLessThan(1000);
});
