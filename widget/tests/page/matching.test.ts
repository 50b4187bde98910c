import { describe, expect, it } from "vitest";
import { FoldedText, fold } from "../../src/element/page/folding.js";
import { placesOf } from "../../src/element/page/matching.js";

describe("fold", () => {
  it.each([
    ["Set by  the\n server", "setbytheserver"],
    ["no\u00a0break\u200b and soft\u00adhyphen", "nobreakandsofthyphen"],
    ["\u201cquoted\u201d \u2018text\u2019 \u00abici\u00bb", '"quoted"\'text\'"ici"'],
    ["a \u2013 b \u2014 c -- d \u2212 e", "a-b-c-d-e"],
    ["wait\u2026", "wait..."],
    ["STRASSE stra\u00dfe", "strassestrasse"],
    [
      "\u039f\u0394\u039f\u03a3 \u03bf\u03b4\u03cc\u03c2",
      "\u03bf\u03b4\u03bf\u03c3\u03bf\u03b4\u03bf\u0301\u03c3",
    ],
    ["\u{1d438} = mc\u00b2", "e=mc2"],
    ["caf\u00e9 \ufb01ne", "cafe\u0301fine"],
    ["run `apt install`", "runaptinstall"],
    ["\u0627\u0644\u0633\u0627\u0639\u0629\u200f (UTC)", "\u0627\u0644\u0633\u0627\u0639\u0629(utc)"],
    ["\u{1f600} ok", "\u{1f600}ok"],
    ["", ""],
  ])("%j is compared as %j", (text, folded) => {
    expect(fold(text).text).toBe(folded);
  });

  it("knows where each unit came from, over pieces and characters of two units", () => {
    const folded = new FoldedText();
    folded.add("a \u{1d438}");
    folded.add(" \ufb01b");
    expect(folded.text).toBe("aefib");
    expect([0, 1, 2, 3, 4].map((index) => folded.sourceOf(index))).toEqual([0, 2, 5, 5, 6]);
    expect([0, 1, 3, 6, 7].map((source) => folded.indexOf(source))).toEqual([0, 1, 2, 4, 5]);
  });
});

const PAGE = [
  "Clocks. The station\u2019s clock is set by the server, never the other way round.",
  "Wi-Fi100 mplenty",
  "Run sudo apt install --yes chatgate on Linux.",
  "The same words. Between them. The same words.",
].join("");

function found(quote: string, preferred = 0, page = PAGE): string[] | null {
  for (const spans of placesOf(fold(page), quote, preferred)) {
    return spans.map(({ start, end }) => page.slice(start, end + 1));
  }
  return null;
}

describe("placesOf", () => {
  it.each([
    ["is set by the server", ["is set by the server"]],
    ["The station's CLOCK is set\nby", ["The station\u2019s clock is set by"]],
    ["Wi-Fi\t100 m\tplenty", ["Wi-Fi100 mplenty"]],
    ["The station's clock is set \u2026", ["The station\u2019s clock is set"]],
    ["clock is ... the other way", ["clock is", "the other way"]],
    ["clock is [\u2026] the other way", ["clock is", "the other way"]],
    ["clock is set by the server\nRun sudo", ["clock is set by the server", "Run sudo"]],
    ["clock is **set by** the server, _never_", ["clock is set by the server, never"]],
    ["clock is [set by](/docs/time#set) the server", ["clock is set by the server"]],
    ["Run `sudo apt install --yes chatgate` on", ["Run sudo apt install --yes chatgate on"]],
    ["the other way \u2026 clock is", null],
    ["set by the reader", null],
    ["**x**", null],
    ["", null],
    [" \u2026 ", null],
    ["the".repeat(1_334), null],
  ])("%j is found as %j", (quote, parts) => {
    expect(found(quote)).toEqual(parts);
  });

  it("prefers what stands after the heading, and falls back to what stands before it", () => {
    const second = PAGE.lastIndexOf("The same words.");
    const starts = (preferred: number) =>
      [...placesOf(fold(PAGE), "the same words", preferred)].slice(0, 2).map(([one]) => one?.start);
    expect(starts(0)).toEqual([PAGE.indexOf("The same words."), second]);
    expect(starts(second)).toEqual([second, PAGE.indexOf("The same words.")]);
    expect(found("set by the server", second)).toEqual(["set by the server"]);
  });

  it("takes no more than linear time, whatever repeats", () => {
    const size = 300_000;
    // Processor milliseconds, as other work on the machine takes none of them; once the engine has compiled.
    const once = (page: string, quote: string) => {
      const began = process.cpuUsage();
      const folded = fold(page);
      for (const _ of placesOf(folded, quote, 0));
      return process.cpuUsage(began).user / 1_000;
    };
    const timed = (page: string, quote: string) => Math.min(once(page, quote), once(page, quote));
    const half = "a".repeat(2_000);
    const worst = Math.max(
      timed("a".repeat(size), `${half}b${half.slice(1)}`),
      timed("a".repeat(size), `b${half}`),
      timed("a".repeat(size), "a"),
      timed("ab".repeat(size / 2), `${"ab".repeat(1_000)}aab`),
      timed("word ".repeat(size / 5), "word\u2026nowhere"),
    );
    expect(worst).toBeLessThan(10 * timed("word ".repeat(size / 5), "nowhere"));
  });
});
