// The openai SDK against the chat proxy. Takes {proxy, token, other} as JSON; prints a line for each step.
import OpenAI from "openai";

import { step } from "./steps.mjs";

const task = JSON.parse(process.argv[2]);
const client = new OpenAI({ baseURL: `${task.proxy}/v1`, apiKey: task.token, maxRetries: 0 });
const asked = { model: "main", messages: [{ role: "user", content: "What is this?" }] };

await step("models", async () => (await client.models.list()).data.map((one) => one.id));
await step("model", async () => (await client.models.retrieve("main")).id);
await step("whole", async () => {
  const { choices, usage, model, object } = await client.chat.completions.create(asked);
  return { choices, usage, model, object };
});
await step("stream", async () => {
  const stream = client.chat.completions.stream({ ...asked, stream_options: { include_usage: true } });
  let text = "";
  stream.on("content", (delta) => (text += delta));
  const { choices, usage } = await stream.finalChatCompletion();
  return { text, content: choices[0].message.content, finish: choices[0].finish_reason, usage };
});
const refusal = async (run) => {
  try {
    await run();
  } catch (error) {
    return { kind: error.constructor.name, status: error.status, code: error.code, type: error.type };
  }
};
await step("no such model", () => refusal(() => client.chat.completions.create({ ...asked, model: "x" })));
await step("no token", () => refusal(() => client.withOptions({ apiKey: "x" }).models.list()));
await step("tools", () =>
  refusal(() =>
    client.chat.completions.create({ ...asked, tools: [{ type: "function", function: { name: "f" } }] }),
  ),
);
