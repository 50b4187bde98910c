import { describe, expect, test } from "vitest";
import { begin, type Change, type ChatState, changed, isRunning, WAITING } from "../src/core/chat_state.js";
import { Trouble } from "../src/core/trouble.js";

const PASSAGE = { text: "every ten minutes", length: 17, path: "/docs/x", headingId: null };
const QUESTION = { message: "how often?", mode: "normal", passage: null } as const;
const ASKED: Change = { type: "asked", turn: { id: 1, question: QUESTION, answer: WAITING }, sessionId: "s" };

function after(...changes: Change[]): ChatState {
  return changes.reduce(changed, begin("normal"));
}

function answerAfter(...changes: Change[]) {
  return after(ASKED, ...changes).turns[0]?.answer;
}

const BEGAN: Change = { type: "began", id: 1, sessionId: "s", messageId: "m" };
const WROTE: Change = { type: "wrote", id: 1, text: "Ten" };
const trouble = new Trouble("torn", "x");

test("asking empties the draft and keeps the passage", () => {
  const state = after(
    { type: "passage_chosen", passage: PASSAGE },
    { type: "drafted", draft: "how?" },
    ASKED,
  );
  expect(state).toMatchObject({ draft: "", passage: PASSAGE, sessionId: "s" });
  expect(isRunning(state)).toBe(true);
});

describe("an answer that is over is not written to any more", () => {
  test.each<[string, Change]>([
    ["done", { type: "finished", id: 1 }],
    ["stopped", { type: "stopped", id: 1 }],
    ["failed", { type: "failed", id: 1, trouble }],
  ])("%s", (name, end) => {
    const over = answerAfter(BEGAN, WROTE, end);
    expect(over).toMatchObject({ state: name, text: "Ten" });
    const late: Change[] = [WROTE, { type: "finished", id: 1 }, { type: "failed", id: 1, trouble }];
    for (const change of late) expect(answerAfter(BEGAN, WROTE, end, change)).toEqual(over);
    expect(isRunning(after(ASKED, BEGAN, end))).toBe(false);
  });
});

test("a question that is asked again begins with nothing", () => {
  const stopped = [ASKED, BEGAN, WROTE, { type: "stopped", id: 1 } as const];
  expect(after(...stopped, { type: "asked_again", id: 1 }).turns).toEqual([
    { id: 1, question: QUESTION, answer: WAITING },
  ]);
});

test.each<[string, "normal" | "selection_only", string | null, string | null]>([
  ["", "normal", null, null],
  ["   ", "selection_only", null, null],
  ["x", "normal", null, null],
  ["x".repeat(4000), "normal", null, null],
  ["😀".repeat(4000), "normal", null, null],
  ["x".repeat(4001), "normal", null, "invalid_message"],
  ["x\ud800", "normal", null, "invalid_message"],
  ["x", "selection_only", null, "invalid_selection"],
  ["x", "selection_only", "y", null],
  ["x", "normal", "y".repeat(12_001), "invalid_selection"],
  ["x", "normal", "😀".repeat(12_000), null],
])("a draft is judged as it is typed (case %#)", (draft, mode, selected, code) => {
  const passage = selected === null ? null : { ...PASSAGE, text: selected };
  const state = after(
    { type: "mode_chosen", mode },
    { type: "passage_chosen", passage },
    { type: "drafted", draft },
  );
  expect(state.draftTrouble?.code ?? null).toBe(code);
});

test("a new conversation keeps what was typed", () => {
  const state = after(ASKED, { type: "drafted", draft: "half a thou" }, { type: "emptied" });
  expect(state).toMatchObject({ turns: [], sessionId: null, draft: "half a thou" });
});
