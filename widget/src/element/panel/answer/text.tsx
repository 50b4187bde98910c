/** An answer's text. Its Markdown renderer is half of the widget's size, so it comes with the first question. */
import { useEffect, useState } from "preact/hooks";

type Rendering = typeof import("./markdown.js");

let loaded: Rendering | null = null;
let loading: Promise<void> | null = null;

/** Loads the renderer, so that it is there when the answer comes. */
export function warmMarkdown(): Promise<void> {
  loading ??= import("./markdown.js").then(
    (rendering) => {
      loaded = rendering;
    },
    (error) => {
      loading = null;
      console.warn("[chatgate] Answers are shown as plain text, as a file of the widget is missing:", error);
    },
  );
  return loading;
}

/** Plain text until the renderer is there. */
export function AnswerText({ text, isWhole }: { readonly text: string; readonly isWhole: boolean }) {
  const [rendering, setRendering] = useState(loaded);
  useEffect(() => {
    if (!rendering) void warmMarkdown().then(() => setRendering(loaded));
  }, [rendering]);
  return rendering ? <rendering.Markdown text={text} isWhole={isWhole} /> : <div class="plain">{text}</div>;
}
