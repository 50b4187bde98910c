// The chat behind `useChat` of npm `ai`, without React. Takes {proxy, token} as JSON; prints a line for each step.
import { AbstractChat, DefaultChatTransport } from "ai";

import { step } from "./steps.mjs";

const task = JSON.parse(process.argv[2]);

class State {
  status = "ready";
  error = undefined;
  messages = [];
  pushMessage = (message) => this.messages.push(message);
  popMessage = () => this.messages.pop();
  replaceMessage = (index, message) => (this.messages[index] = message);
  snapshot = (thing) => structuredClone(thing);
}
class Chat extends AbstractChat {
  constructor(init) {
    super({ ...init, state: new State() });
  }
}
const failures = [];
const chatOf = (body, token = task.token) =>
  new Chat({
    transport: new DefaultChatTransport({
      api: `${task.proxy}/api/chat`,
      headers: { Authorization: `Bearer ${token}` },
      body,
    }),
    onError: (error) => failures.push(error.message),
  });
const seen = (chat) => ({
  id: chat.id,
  status: chat.status,
  error: chat.error?.message,
  messages: chat.messages.map(({ id, role, parts, metadata }) => ({ id, role, parts, metadata })),
});

const chat = chatOf({});
await step("first", async () => {
  await chat.sendMessage({ text: "What is this?" });
  return seen(chat);
});
await step("second", async () => {
  await chat.sendMessage({ text: "And that?" });
  return seen(chat);
});
await step("again", async () => {
  await chat.regenerate();
  return seen(chat);
});
await step("selection", async () => {
  const other = chatOf({ mode: "selection_only", selected_text: "Alone.", model: "main" });
  await other.sendMessage({ text: "What does it say?" });
  return seen(other);
});
await step("torn", async () => {
  const other = chatOf({});
  await other.sendMessage({ text: "fail" });
  return seen(other);
});
await step("refused", async () => {
  const other = chatOf({}, "x");
  await other.sendMessage({ text: "What is this?" });
  return { ...seen(other), failures };
});
