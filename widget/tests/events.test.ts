import { expect, test } from "vitest";
import { type AnswerEvent, parseEvent, readEvents } from "../src/core/events.js";
import { Trouble } from "../src/core/trouble.js";

const STREAM = `event: start
data: {"session_id":"s","message_id":"m"}

: keep-alive

event: delta
data: {"text":"Grüße, 世界 👩‍👩‍👧"}

event: later
data: {"of":"another version"}

event: citation
data: {"title":"T","url":"/u","quote":"q"}

event: done
data: {}

`;

function streamOf(...chunks: Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

async function read(body: ReadableStream<Uint8Array>, silence?: number): Promise<AnswerEvent[]> {
  const events: AnswerEvent[] = [];
  for await (const event of readEvents(body, () => 0, silence)) events.push(event);
  return events;
}

const WHOLE: AnswerEvent[] = [
  { type: "start", sessionId: "s", messageId: "m" },
  { type: "delta", text: "Grüße, 世界 👩‍👩‍👧" },
  { type: "citation", citation: { title: "T", url: "/u", quote: "q" } },
  { type: "done" },
];

test("an answer may be cut into pieces at any byte", async () => {
  const bytes = new TextEncoder().encode(STREAM);
  for (let at = 0; at <= bytes.length; at += 1)
    expect(await read(streamOf(bytes.subarray(0, at), bytes.subarray(at)))).toEqual(WHOLE);
});

test("an answer that is not rated has no id to rate it by", () => {
  const start = '{"session_id":"s","message_id":"m","ratings":false}';
  expect(parseEvent("start", start, 0)).toEqual({ type: "start", sessionId: "s", messageId: null });
});

test("a stream that ends with neither done nor error is torn", async () => {
  const cut = new TextEncoder().encode(STREAM.replace("event: done", "event: nothing"));
  await expect(read(streamOf(cut))).rejects.toMatchObject({ code: "torn" });
});

test("silence has an end", async () => {
  await expect(read(new ReadableStream(), 20)).rejects.toMatchObject({ code: "timeout" });
});

test("a stream is not read for ever", async () => {
  const comment = new TextEncoder().encode(`: ${"x".repeat(65_536)}\n`);
  const endless = new ReadableStream({ pull: (controller) => controller.enqueue(comment) });
  await expect(read(endless)).rejects.toMatchObject({ code: "answer_too_large" });
});

test.each([
  ["delta", "{}"],
  ["delta", '{"text":1}'],
  ["delta", "null"],
  ["start", '{"session_id":"s"}'],
  ["citation", '{"title":"T","url":null,"quote":"q"}'],
  ["done", "no JSON"],
])("a misshapen %s is the backend's failure: %s", (name, data) => {
  expect(() => parseEvent(name, data, 0)).toThrow(Trouble);
});

test.each([
  ["session_ended", "session_ended", 0],
  ["bad_backend", "backend_failed", 0],
  ["answer_timeout", "timeout", 0],
  ["shutting_down", "unavailable", 7_000],
  ["of a later version", "unexpected", 0],
])("the error %s is the trouble %s", (code, trouble, retryAt) => {
  const event = parseEvent("error", JSON.stringify({ code, message: "words" }), 5_000);
  expect(event).toMatchObject({ type: "error", trouble: { code: trouble, retryAt } });
});
