import { useEffect, useState } from "preact/hooks";
import { usePanel } from "../context.js";
import { Icon } from "../icons.js";

const SHOWN_FOR = 2_000;

/** Copies `text`. Absent where the page may not write to the clipboard (it needs a secure context). */
export function CopyButton({ text, label }: { readonly text: string; readonly label: string }) {
  const { words, announce } = usePanel();
  const [isDone, setDone] = useState(false);
  useEffect(() => {
    if (!isDone) return;
    const timer = setTimeout(() => setDone(false), SHOWN_FOR);
    return () => clearTimeout(timer);
  }, [isDone]);
  if (!navigator.clipboard) return null;
  const copy = () => {
    navigator.clipboard.writeText(text).then(
      () => {
        setDone(true);
        announce(words.say("copied"));
      },
      (error) => console.warn("[chatgate] The clipboard refused the text:", error),
    );
  };
  return (
    <button type="button" class="icon small" aria-label={label} title={label} onClick={copy}>
      <Icon name={isDone ? "done" : "copy"} />
    </button>
  );
}
