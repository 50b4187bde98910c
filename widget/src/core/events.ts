/** An answer as the proxy streams it: events from bytes, each checked. docs/http.md lists them. */
import { createParser } from "eventsource-parser";
import { troubleOfEvent } from "./failures.js";
import { Trouble } from "./trouble.js";

export interface Citation {
  readonly title: string;
  readonly url: string;
  readonly quote: string;
}

export type AnswerEvent =
  | { readonly type: "start"; readonly sessionId: string; readonly messageId: string | null }
  | { readonly type: "delta"; readonly text: string }
  | { readonly type: "citation"; readonly citation: Citation }
  | { readonly type: "done" }
  | { readonly type: "error"; readonly trouble: Trouble };

/** Characters of a stream: four times the proxy's default limit of an answer, with room for its JSON. */
const MOST_CHARACTERS = 2 ** 20;
/** Milliseconds without a byte; the proxy writes a comment every 15 s. */
const SILENCE = 45_000;
const WHAT = "Answering";

/** The events of `body` until `done` or `error`. Throws Trouble for a stream that ends without either. */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  now: () => number,
  silence: number = SILENCE,
): AsyncGenerator<AnswerEvent, void, undefined> {
  const events: AnswerEvent[] = [];
  const parser = createParser({
    onEvent(event) {
      const found = parseEvent(event.event ?? "message", event.data, now());
      if (found !== null) events.push(found);
    },
  });
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let characters = 0;
  try {
    while (true) {
      const { done, value } = await readWithin(reader, silence);
      const text = done ? decoder.decode() : decoder.decode(value, { stream: true });
      characters += text.length;
      if (characters > MOST_CHARACTERS)
        throw new Trouble("answer_too_large", `${WHAT}: more than ${MOST_CHARACTERS} characters came.`);
      parser.feed(text);
      for (const event of events.splice(0)) {
        yield event;
        if (event.type === "done" || event.type === "error") return;
      }
      if (done)
        throw new Trouble(
          "torn",
          `${WHAT}: the stream ended without \`done\`. Look for it in the proxy's log.`,
        );
    }
  } finally {
    // The reader stopped, or the stream is over: cancelling makes the proxy close the backend's connection.
    await reader.cancel().catch(() => undefined);
  }
}

async function readWithin(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  silence: number,
): Promise<ReadableStreamReadResult<Uint8Array>> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silent = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Trouble("timeout", `${WHAT}: nothing came for ${silence / 1000} s.`)),
      silence,
    );
  });
  try {
    return await Promise.race([reader.read(), silent]);
  } catch (error) {
    if (error instanceof Trouble || (error instanceof DOMException && error.name === "AbortError"))
      throw error;
    throw new Trouble("torn", `${WHAT}: the connection broke while the answer came.`);
  } finally {
    clearTimeout(timer);
  }
}

/** The event, or null for an unknown name, which a later proxy may send. Throws Trouble for a malformed one. */
export function parseEvent(name: string, data: string, now: number): AnswerEvent | null {
  if (!["start", "delta", "citation", "done", "error"].includes(name)) return null;
  let told: unknown;
  try {
    told = JSON.parse(data);
  } catch {
    throw misshapen(name);
  }
  if (typeof told !== "object" || told === null) throw misshapen(name);
  const members = told as Record<string, unknown>;
  switch (name) {
    case "start":
      return {
        type: "start",
        sessionId: text(members, "session_id"),
        messageId: ratedBy(members),
      };
    case "delta":
      return { type: "delta", text: text(members, "text") };
    case "citation":
      return { type: "citation", citation: citationOf(members) };
    case "error":
      return {
        type: "error",
        trouble: troubleOfEvent(text(members, "code"), String(members.message ?? ""), WHAT, now),
      };
    default:
      return { type: "done" };
  }
}

/** The id by which an answer may be rated; null where the backend says that it keeps no ratings. Throws Trouble. */
export function ratedBy(members: Record<string, unknown>): string | null {
  return members.ratings === false ? null : text(members, "message_id");
}

/** A citation. Throws Trouble for one that lacks a title, an address or a quote. */
export function citationOf(members: Record<string, unknown>): Citation {
  return { title: text(members, "title"), url: text(members, "url"), quote: text(members, "quote") };
}

function text(members: Record<string, unknown>, name: string): string {
  const value = members[name];
  if (typeof value !== "string") throw misshapen(name);
  return value;
}

function misshapen(name: string): Trouble {
  return new Trouble("backend_failed", `${WHAT}: \`${name}\` is not of its form. docs/http.md has it.`);
}
