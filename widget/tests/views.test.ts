import { expect, test } from "vitest";
import { agentOf } from "../src/element/panel/account/agents.js";
import { spoken } from "../src/element/panel/narrate.js";
import { isShortcut } from "../src/element/shortcut.js";

const MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/";

test.each([
  [`${MAC}605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15`, "Safari", "macOS"],
  [`${MAC}537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36`, "Chrome", "macOS"],
  [
    "Mozilla/5.0 (Windows NT 10.0; Win64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36 Edg/156.0",
    "Edge",
    "Windows",
  ],
  ["Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0", "Firefox", "Linux"],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) CriOS/156.0 Mobile Safari/604.1",
    "Chrome",
    "iPhone",
  ],
  [
    "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 SamsungBrowser/29.0 Chrome/130.0 Mobile Safari/537.36",
    "Samsung Internet",
    "Android",
  ],
])("%s", (userAgent, browser, system) => {
  expect(agentOf(userAgent)).toEqual({ browser, system });
});

test.each(["", "curl/8.9", "\u0000"])("the user agent %j is unknown", (userAgent) => {
  expect(agentOf(userAgent)).toBeNull();
});

test.each([
  ["The **ring** of `keys`.", "The ring of keys."],
  ["```js\nlet a;\n```\nIt is [here](/x).", "It is here."],
  ["# Title\n\n- one\n- two", "Title - one - two"],
  ["```js\nlet a", ""],
  ["| a | b |\n| --- | --: |\n| x | y |", "a b x y"],
])("%j is read out as %j", (markdown, text) => {
  expect(spoken(markdown)).toBe(text);
});

test("a long answer is read out by its beginning", () => {
  const text = spoken("word ".repeat(1_000));
  expect(text.length).toBeLessThan(170);
  expect(text).toMatch(/word …$/);
});

test.each([
  ["Alt+Shift+A", { altKey: true, shiftKey: true, key: "A", code: "KeyA" }, true],
  ["Alt+Shift+A", { altKey: true, shiftKey: true, key: "Å", code: "KeyA" }, true],
  ["Alt+Shift+A", { altKey: true, shiftKey: true, ctrlKey: true, key: "A", code: "KeyA" }, false],
  ["Alt+Shift+A", { altKey: true, key: "a", code: "KeyA" }, false],
  ["Ctrl+K", { ctrlKey: true, key: "k", code: "KeyK" }, true],
  ["Ctrl+/", { ctrlKey: true, key: "/", code: "Slash" }, true],
])("%s and %j", (shortcut, pressed, isIt) => {
  const none = { altKey: false, shiftKey: false, ctrlKey: false, metaKey: false };
  expect(isShortcut({ ...none, ...pressed } as KeyboardEvent, shortcut)).toBe(isIt);
});
