import { describe, expect, test } from "vitest";
import { linkTarget } from "../src/element/panel/answer/links.js";
import { entities } from "../src/element/panel/answer/markdown.js";
import { shown } from "./shown_markdown.js";

describe("Markdown", () => {
  test.each([
    ["a *b* **c** ~~d~~ `e`", "<p>a <em>b</em> <strong>c</strong> <del>d</del> <code>e</code></p>"],
    ["# A\n\n#### B", "<h3>A</h3><h4>B</h4>"],
    ["- a\n- b", "<ul><li>a</li><li>b</li></ul>"],
    ["3. a\n4. b", "<ol><li>a</li><li>b</li></ol>"],
    ["- [x] a", "<ul><li><input></input>a</li></ul>"],
    ["> a", "<blockquote><p>a</p></blockquote>"],
    ["a &amp; b &lt;c&gt; &#233;", "<p>a & b &lt;c> é</p>"],
    ["**「テスト」**です", "<p><strong>「テスト」</strong>です</p>"],
    ["これは**「強い」**。", "<p>これは<strong>「強い」</strong>。</p>"],
    ["```js\nlet a;\n```", "<code js>let a;</code>"],
    ["a\n\n---\n\nb", "<p>a</p><hr></hr><p>b</p>"],
  ])("%j", (text, expected) => {
    expect(shown(text)).toBe(expected);
  });

  test.each([
    ["<script>alert(1)</script>", "<p>&lt;script>alert(1)&lt;/script></p>"],
    ["a <img src=x onerror=alert(1)> b", "<p>a &lt;img src=x onerror=alert(1)> b</p>"],
    ["<div>\n<b>x</b>\n</div>", "<p>&lt;div>\n&lt;b>x&lt;/b>\n&lt;/div></p>"],
    ["![a picture](https://evil.example/p.gif)", "<p>a picture</p>"],
    ["a<br>b", "<p>a<br></br>b</p>"],
  ])("shows HTML as text and fetches nothing: %j", (text, expected) => {
    expect(shown(text)).toBe(expected);
  });

  test("shows a definition, which HTML would leave out", () => {
    expect(shown("[1]: https://example.org/x")).toContain("[1]: ");
  });

  test("a table has its alignments", () => {
    expect(shown("| a | b |\n|---|:-:|\n| 1 | 2<br>3 |")).toBe(
      "<div><table><thead><tr><th>a</th><th>b</th></tr></thead>" +
        "<tbody><tr><td>1</td><td>2<br></br>3</td></tr></tbody></table></div>",
    );
  });
});

describe("a link", () => {
  const base = "https://docs.example.org/book/";

  test.each([
    ["https://example.com/a?b=c#d", { url: "https://example.com/a?b=c#d", isOwn: false }],
    ["http://example.com", { url: "http://example.com/", isOwn: false }],
    ["//example.com/x", { url: "https://example.com/x", isOwn: false }],
    ["/book/keys#how", { url: "https://docs.example.org/book/keys#how", isOwn: true }],
    ["keys", { url: "https://docs.example.org/book/keys", isOwn: true }],
    ["/other/", { url: "https://docs.example.org/other/", isOwn: false }],
  ])("%s may be followed", (href, expected) => {
    expect(linkTarget(href, base)).toEqual(expected);
  });

  test.each([
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    "\u0001javascript:alert(1)",
    " javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://docs.example.org/1",
    "mailto:a@example.org",
    "https://user:password@example.org/",
    "http://[",
  ])("%j is text", (href) => {
    expect(linkTarget(href, base)).toBeNull();
  });

  test("is judged after its entities are read", () => {
    expect(shown("[x](javascript&#58;alert)")).toBe("<p><a javascript:alert>x</a></p>");
    expect(linkTarget(entities("javascript&#58;alert"), base)).toBeNull();
  });
});
