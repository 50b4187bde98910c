import { describe, expect, test } from "vitest";
import { type Block, Blocks } from "../src/element/panel/answer/blocks.js";
import { blockView } from "../src/element/panel/answer/markdown.js";
import { decided } from "../src/element/panel/answer/undecided.js";
import { html, shown, shownOf, whole } from "./shown_markdown.js";

describe("an answer that is being written", { timeout: 60_000 }, () => {
  test.each([
    ["- a\n  -", "<ul><li>a</li></ul>"],
    ["text\n-", "<p>text</p>"],
    ["text\n=", "<p>text</p>"],
    ["text\n\n#", "<p>text</p>"],
    ["text\n\n12.", "<p>text</p>"],
    ["text\n\n``", "<p>text</p>"],
    ["text\n\n```py", "<p>text</p>"],
    ["```py\nx = 1", "<code py open>x = 1</code>"],
    ["```py\nx = 1\n``", "<code py open>x = 1</code>"],
    ["```py\nx = 1\n```", "<code py open>x = 1</code>"],
    ["| a | b |\n", ""],
    ["| a | b |\n|--", ""],
    ["a **bold te", "<p>a <strong>bold te</strong></p>"],
    ["a **bold** b *", "<p>a <strong>bold</strong> b </p>"],
    ["a `code", "<p>a <code>code</code></p>"],
    ["see [the page](/x", "<p>see </p>"],
    ["see [the page](/x) and", "<p>see <a /x>the page</a> and</p>"],
  ])("%j", (text, expected) => {
    expect(shownOf(text)).toBe(expected);
  });

  test("a row of a table is shown when it is whole", () => {
    expect(shownOf("| a |\n|---|\n| 1 |\n| 2")).not.toContain("2");
    expect(shownOf("| a |\n|---|\n| 1 |\n| 2 |\n")).toContain("<td>2</td>");
  });

  test("settled blocks stay the same objects", () => {
    const blocks = new Blocks();
    const before = blocks.read("# A\n\nfirst\n\nsecond", false);
    const after = blocks.read("# A\n\nfirst\n\nsecond and more\n\nthird", false);
    expect(after[0]).toBe(before[0]);
    expect(after[1]).toBe(before[1]);
    expect(after).toHaveLength(4);
  });

  test("another text begins anew", () => {
    const blocks = new Blocks();
    blocks.read("one\n\ntwo\n\nthree", false);
    expect(blocks.read("other", true).map(blockView).map(html)).toEqual(["<p>other</p>"]);
  });

  const long = Array.from({ length: 12 }, (_, index) => document(index)).join("\n\n");

  test("comes to the same, in whatever pieces it comes", () => {
    const blocks = new Blocks();
    for (let end = 1; end <= long.length; end += 7) blocks.read(long.slice(0, end), false);
    let read = blocks.read(long, true);
    while (blocks.isBehind) read = blocks.read(long, true);
    expect(read.map(blockView).map(html).join("")).toBe(shown(long));
  });

  test("each prefix is shown, and none loses more than its end", () => {
    for (let end = 0; end <= long.length; end += 3) {
      const prefix = long.slice(0, end);
      const kept = decided(prefix.slice(-2_000));
      expect(prefix.slice(-2_000).length - kept.length).toBeLessThan(1_400);
      if (end % 39 === 0) shownOf(prefix);
    }
  });
});

function document(index: number): string {
  return `## Part ${index}

Some **strong** and *soft* text with \`code\`, [a link](/page-${index}#x) and 12 < 13 & more.
It goes on in a second line.

1. one
   - nested **two**
   - [ ] three

     a paragraph
2. four

\`\`\`python
def f(x):
    return x ** 2  # - not a list
\`\`\`

| a | b |
| --- | ---: |
| 1 | \`2\` |
| 3 | 4 |

> quoted
> more

Title
-----

日本語の**「強調」**です。`;
}

describe("input that is made to take long", { timeout: 60_000 }, () => {
  const N = 16_384;
  const nasty: Readonly<Record<string, string>> = {
    quotes: ">".repeat(N),
    "spaced quotes": "> ".repeat(N / 2),
    "nested lists": Array.from({ length: 127 }, (_, depth) => `${"  ".repeat(depth)}- a`).join("\n"),
    "nested numbers": "1. ".repeat(N / 3),
    "quotes of lists": "> - ".repeat(N / 4),
    "a huge table": `${"|a".repeat(50)}|\n${"|-".repeat(50)}|\n${`${"|b".repeat(50)}|\n`.repeat(2_000)}`,
    "tags without end": "<a ".repeat(N / 3),
    comments: "<!--".repeat(N / 4),
    brackets: "[".repeat(N),
    "balanced brackets": "[".repeat(N / 2) + "]".repeat(N / 2),
    images: "![".repeat(N / 2),
    "links without end": "[a](".repeat(N / 4),
    "strong without end": "**a ".repeat(N / 4),
    "nested emphasis": "*a **b ".repeat(N / 16) + "c** d*".repeat(N / 16),
    stars: `${"**".repeat(N / 4)}a${"**".repeat(N / 4)}`,
    underscores: "a_b".repeat(N / 3),
    addresses: `${"a.".repeat(N / 2)}@`,
    "mail addresses": "a@".repeat(N / 2),
    "code without end": "`a".repeat(N / 2),
    headings: "a\n=\n".repeat(N / 4),
    "long list": "- a\n".repeat(20_000),
    "loose list": "- a\n\n".repeat(20_000),
    "lines without end": "a\n".repeat(100_000),
    fences: "```\n".repeat(N / 4),
    "a fence without end": `\`\`\`js\n${"let a = 1;\n".repeat(25_000)}`,
    "256 KiB in one line": "x".repeat(262_144),
    "256 KiB of words": "word ".repeat(52_428),
    "256 KiB of emoji": "😀".repeat(65_536),
    "blank lines": "\n".repeat(262_144),
    "CRLF lines": "a\r\n".repeat(50_000),
    backslashes: "\\".repeat(N),
    "delimiter rows": `|a\n${"|:-".repeat(N / 3)}`,
    "many small paragraphs": "*a **b c** d* `e` [f](g)\n\n".repeat(8_000),
  };

  // The limit of one step is what a browser counts as a long task, in processor time, as other tests run meanwhile.
  const MOST = 50;

  function milliseconds(): number {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  }

  test.each(Object.entries(nasty))("%s: no step takes long, and nothing is lost", (_, text) => {
    const blocks = new Blocks();
    const times: number[] = [];
    let read: readonly Block[] = [];
    do {
      const begin = milliseconds();
      read = blocks.read(text, true);
      times.push(milliseconds() - begin);
    } while (blocks.isBehind);
    times.sort((one, other) => other - one);
    // The first step compiles and the collector may strike once; a second slow one is ours.
    expect(times[1] ?? 0).toBeLessThan(MOST);
    expect(times[0]).toBeLessThan(4 * MOST);
    const kept = read.reduce((sum, block) => sum + block.text.trim().length, 0);
    expect(kept).toBeGreaterThan(0.5 * text.trim().length - 10);
    for (const block of read) blockView(block);
  });

  test.each(Object.entries(nasty))("%s: also while it grows", (_, text) => {
    const blocks = new Blocks();
    const times: number[] = [];
    for (let end = 0; end < text.length; end += Math.max(64, text.length / 80)) {
      const begin = milliseconds();
      blocks.read(text.slice(0, end), false);
      times.push(milliseconds() - begin);
    }
    times.sort((one, other) => other - one);
    expect(times[2]).toBeLessThan(MOST);
  });

  test("pieces of a line never part a surrogate pair", () => {
    for (const block of whole("😀".repeat(65_536))) expect(block.text).not.toMatch(/^[\udc00-\udfff]/);
  });

  test("nesting deeper than is shown is text", () => {
    const deep = Array.from({ length: 14 }, (_, depth) => `${"  ".repeat(depth)}- a`).join("\n");
    expect(shown(deep)).toBe(`<div>${deep}</div>`);
    expect(shown(">".repeat(20_000))).toBe(
      whole(">".repeat(20_000))
        .map((block) => `<div>${block.text}</div>`)
        .join(""),
    );
  });
});
