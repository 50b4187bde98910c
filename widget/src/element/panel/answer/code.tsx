import { useEffect, useState } from "preact/hooks";
import type { CodeLine } from "../../contract.js";
import { usePanel } from "../context.js";
import { useMode } from "../frame/mode.js";
import { CopyButton } from "./copy.js";

interface CodeProps {
  readonly code: string;
  readonly language: string;
  readonly isOpen: boolean;
}

// Colouring is the site's own code on the main thread; longer code stays plain.
const MAX_COLOURED = 20_000;

/** A code block. It has its colours and its copy button once it is whole. */
export function Code({ code, language, isOpen }: CodeProps) {
  const { words } = usePanel();
  const lines = useColours(code, language, isOpen);
  return (
    <figure class="code" dir="ltr">
      <figcaption>
        <span>{language || words.say("code")}</span>
        {!isOpen && <CopyButton text={code} label={words.say("copyCode")} />}
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls has to be reached by the keyboard */}
      <pre tabIndex={0}>
        <code>{lines ? lines.map(coloured) : code}</code>
      </pre>
    </figure>
  );
}

function coloured(line: CodeLine, index: number) {
  return [
    index > 0 && "\n",
    line.map((piece) => (
      <span key={piece} style={{ ...piece.style }}>
        {piece.text}
      </span>
    )),
  ];
}

function useColours(code: string, language: string, isOpen: boolean): readonly CodeLine[] | null {
  const panel = usePanel();
  const mode = useMode();
  const [lines, setLines] = useState<readonly CodeLine[] | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a theme of the site has colours of its own for each mode
  useEffect(() => {
    const colour = panel.options().colourCode;
    if (isOpen || !language || !colour || code.length > MAX_COLOURED) return;
    let isWanted = true;
    colour(code, language).then(
      (found) => isWanted && setLines(found),
      (error) => console.warn("[chatgate] colourCode failed, so this code has no colours:", error),
    );
    return () => {
      isWanted = false;
    };
  }, [code, language, isOpen, mode, panel]);
  return isOpen ? null : lines;
}
