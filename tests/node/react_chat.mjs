// `useChat` of @ai-sdk/react in a page that React renders. Takes {proxy, token} as JSON, prints a line for each
// step with what the page shows then, and goes on when its standard input has a line.
import { once } from "node:events";
import { createInterface } from "node:readline";

import { openBrowser } from "./views.mjs";

await openBrowser("https://docs.example.org/");
const { createElement, useState } = await import("react");
const { createRoot } = await import("react-dom/client");
const { useChat } = await import("@ai-sdk/react");
const { DefaultChatTransport } = await import("ai");

const { proxy, token } = JSON.parse(process.argv[2]);
const PATIENCE_MS = 20_000;

function Part({ part }) {
  if (part.type === "text") return createElement("p", null, part.text);
  if (part.type === "source-url") return createElement("a", { href: part.url }, part.title);
  return null;
}

function Chat() {
  const [transport] = useState(
    () =>
      new DefaultChatTransport({
        api: `${proxy}/api/chat`,
        headers: { Authorization: `Bearer ${token}` },
      }),
  );
  const { messages, sendMessage, status, error } = useChat({ transport });
  const ask = (text) => createElement("button", { key: text, onClick: () => sendMessage({ text }) }, text);
  return createElement(
    "main",
    { "data-status": status },
    messages.map(({ id, role, parts }) =>
      createElement(
        "article",
        { key: id, className: role },
        parts.map((part, at) => createElement(Part, { key: at, part })),
      ),
    ),
    error && createElement("div", { role: "alert" }, error.message),
    ["What is this?", "fail"].map(ask),
  );
}

const page = document.body.appendChild(document.createElement("div"));
createRoot(page).render(createElement(Chat));

const all = (selector) => [...page.querySelectorAll(selector)];
const seen = () => ({
  status: page.querySelector("main")?.dataset.status,
  messages: all("article").map((one) => [
    one.className,
    [...one.querySelectorAll("p")].map((text) => text.textContent).join(""),
  ]),
  sources: all("a").map((link) => [link.textContent, link.getAttribute("href")]),
  alert: page.querySelector("[role=alert]")?.textContent ?? null,
});

/** Wait for a change of the page after which it `shows` something. */
async function until(shows) {
  await new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(JSON.stringify(seen()))), PATIENCE_MS);
    const look = () => {
      if (!shows()) return;
      clearTimeout(late);
      observer.disconnect();
      resolve();
    };
    const observer = new window.MutationObserver(look);
    observer.observe(page, { attributes: true, characterData: true, childList: true, subtree: true });
    look();
  });
}
const tell = (step) => console.log(JSON.stringify({ step, data: seen() }));
const click = (text) => all("button").find((one) => one.textContent === text).click();
const is = (status) => () => seen().status === status;

await until(is("ready"));
click("What is this?");
await until(() => seen().messages.at(-1)?.[1] === "Hello ");
tell("half");
const input = createInterface({ input: process.stdin });
await once(input, "line");
input.close();
await until(is("ready"));
tell("whole");
click("fail");
await until(is("error"));
tell("failed");
process.exit(0);
