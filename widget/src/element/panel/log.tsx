import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { ChatState, Question } from "../../core/index.js";
import { Turn } from "./answer/turn.js";
import { usePanel } from "./context.js";
import { Icon } from "./icons.js";
import { useStore } from "./store.js";

/** The conversation so far. It says nothing by itself: `narrate.ts` announces what is finished. */
export function Log({ onSuggestion }: { readonly onSuggestion: (question: string) => void }) {
  const { chatgate, words } = usePanel();
  const state = useStore(chatgate.chat.state);
  const { box, end, isBelow, goToEnd } = useScrolling(state);
  return (
    <div class="log-frame">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls has to be reached by the keyboard */}
      <div class="log" role="log" aria-live="off" aria-label={words.say("title")} tabIndex={0} ref={box}>
        {state.isOpening && <p class="quiet">{words.say("loading")}</p>}
        {!state.isOpening && state.turns.length === 0 && <Empty onSuggestion={onSuggestion} />}
        {state.turns.map((turn) => (
          <Turn key={turn.id} turn={turn} />
        ))}
        <div class="end" ref={end} />
      </div>
      {isBelow && (
        <button type="button" class="icon latest" aria-label={words.say("latest")} onClick={goToEnd}>
          <Icon name="latest" />
        </button>
      )}
    </div>
  );
}

/**
 * Follows an answer while it grows, until its question stands at the top: what is being read does not move away.
 * A reader who scrolls is left alone until the next question.
 */
function useScrolling({ turns }: ChatState) {
  const box = useRef<HTMLDivElement>(null);
  const end = useRef<HTMLDivElement>(null);
  const follow = useRef({ isOn: true, question: null as Question | null, top: 0 });
  const [isBelow, setBelow] = useState(false);

  useLayoutEffect(() => {
    const log = box.current;
    const last = turns.at(-1);
    if (!log || !last) return;
    const now = follow.current;
    if (now.question !== last.question || (last.answer.state === "waiting" && !last.answer.text)) {
      follow.current = { isOn: true, question: last.question, top: now.top };
    }
    if (!follow.current.isOn) return;
    const question = log.querySelector(".turn:last-of-type");
    const above = question instanceof HTMLElement ? question.offsetTop - 8 : 0;
    log.scrollTop = Math.min(above, log.scrollHeight - log.clientHeight);
    follow.current.top = log.scrollTop;
  });

  useEffect(() => {
    const log = box.current;
    if (!log || !end.current) return;
    const scrolled = () => {
      if (Math.abs(log.scrollTop - follow.current.top) > 2) follow.current.isOn = false;
    };
    log.addEventListener("scroll", scrolled, { passive: true });
    const observer = new IntersectionObserver(([entry]) => setBelow(entry ? !entry.isIntersecting : false), {
      root: log,
      rootMargin: "48px",
    });
    observer.observe(end.current);
    return () => {
      log.removeEventListener("scroll", scrolled);
      observer.disconnect();
    };
  }, []);

  const goToEnd = () => {
    const log = box.current;
    if (!log) return;
    follow.current.isOn = false;
    log.scrollTo({ top: log.scrollHeight });
    log.focus();
  };
  return { box, end, isBelow, goToEnd };
}

const MAX_SUGGESTIONS = 8;

function Empty({ onSuggestion }: { readonly onSuggestion: (question: string) => void }) {
  const { chatgate, words, options } = usePanel();
  const suggestions = (options().suggestions ?? []).slice(0, MAX_SUGGESTIONS);
  const isOfPassage = chatgate.settings.mode === "selection_only";
  return (
    <div class="empty">
      <h3>{words.say("emptyTitle")}</h3>
      <p>{words.say(isOfPassage ? "emptySelection" : "emptyText")}</p>
      {suggestions.length > 0 && (
        <ul aria-label={words.say("suggestions")}>
          {suggestions.map((question) => (
            <li key={question}>
              <button type="button" class="suggestion" dir="auto" onClick={() => onSuggestion(question)}>
                {question}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
