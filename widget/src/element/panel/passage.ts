/** The passage that a question is about, kept highlighted on the page while it is. */
import type { Chat, ChatState, Options, Passage } from "../../core/index.js";
import type { Candidate } from "../contract.js";
import { isUnfinished } from "./composer.js";

export class PassageOnPage {
  #passage: Passage | null = null;
  #removeHighlight: (() => void) | null = null;
  #unsubscribe: () => void;

  constructor(private readonly chat: Chat) {
    this.#unsubscribe = chat.state.subscribe((state) => {
      if (this.#passage && !isAbout(state, this.#passage)) this.#clear();
    });
  }

  /** Hands the passage to the core. Where the reader may choose, the answer comes from it alone at first. */
  take({ passage, ranges }: Candidate, mode: Options["mode"]): void {
    this.#clear();
    this.chat.setPassage(passage);
    if (mode === "both") this.chat.setMode("selection_only");
    this.#passage = passage;
    import("../page/index.js").then(
      ({ highlight }) => {
        if (this.#passage === passage) this.#removeHighlight = highlight("chatgate-passage", ranges);
      },
      (error) => console.warn("[chatgate] The passage cannot be highlighted:", error),
    );
  }

  end(): void {
    this.#unsubscribe();
    this.#clear();
  }

  #clear(): void {
    this.#passage = null;
    this.#removeHighlight?.();
    this.#removeHighlight = null;
  }
}

function isAbout(state: ChatState, { text }: Passage): boolean {
  return (
    state.passage?.text === text ||
    state.turns.some((turn) => isUnfinished(turn) && turn.question.passage?.text === text)
  );
}
