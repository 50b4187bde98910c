import { useRef, useState } from "preact/hooks";
import type { ConversationEntry, Trouble } from "../../core/index.js";
import { usePanel } from "./context.js";
import { Icon } from "./icons.js";
import { asTrouble, useLoading } from "./loading.js";
import { Notice } from "./notice.js";

/** The conversations of the last day: opens one, or deletes it. */
export function History({ onOpened }: { readonly onOpened: () => void }) {
  const { chatgate, words, announce, report } = usePanel();
  const [entries, again] = useLoading(() => chatgate.history.list());
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const list = useRef<HTMLUListElement>(null);

  const attempt = (work: Promise<void>, then: () => void) => {
    setTrouble(null);
    work.then(then, (error) => {
      report(asTrouble(error));
      setTrouble(asTrouble(error));
    });
  };
  const open = (entry: ConversationEntry) => attempt(chatgate.chat.open(entry.sessionId), onOpened);
  const remove = (entry: ConversationEntry) =>
    attempt(chatgate.history.delete(entry.sessionId), () => {
      if (chatgate.chat.state.getState().sessionId === entry.sessionId) chatgate.chat.reset();
      announce(words.say("historyDeleted"));
      again();
      list.current?.focus();
    });

  return (
    <div class="view">
      {entries.name === "loading" && <p class="quiet">{words.say("loading")}</p>}
      {entries.name === "failed" && <Notice trouble={entries.trouble} onRetry={again} />}
      {trouble && <Notice trouble={trouble} onRetry={null} />}
      {entries.name === "loaded" && entries.value.length === 0 && (
        <p class="quiet">{words.say("historyEmpty")}</p>
      )}
      {entries.name === "loaded" && entries.value.length > 0 && (
        <>
          <ul class="rows" ref={list} tabIndex={-1} aria-label={words.say("history")}>
            {entries.value.map((entry) => (
              <Entry
                key={entry.sessionId}
                entry={entry}
                onOpen={() => open(entry)}
                onDelete={() => remove(entry)}
              />
            ))}
          </ul>
          <p class="quiet">{words.say("historyNote")}</p>
        </>
      )}
    </div>
  );
}

interface EntryProps {
  readonly entry: ConversationEntry;
  readonly onOpen: () => void;
  readonly onDelete: () => void;
}

function Entry({ entry, onOpen, onDelete }: EntryProps) {
  const { words } = usePanel();
  const [isAsked, setAsked] = useState(false);
  const title = entry.title || words.say("untitled");
  const label = words.say("historyDelete", { title });
  return (
    <li class="row">
      <button type="button" class="entry" onClick={onOpen}>
        <b dir="auto">{title}</b>
        <span>{words.ago(entry.updatedAt, Date.now())}</span>
      </button>
      {isAsked ? (
        <button
          type="button"
          class="button danger"
          aria-label={label}
          ref={(button) => button?.focus()}
          onBlur={() => setAsked(false)}
          onClick={onDelete}
        >
          {words.say("historyConfirm")}
        </button>
      ) : (
        <button type="button" class="icon" aria-label={label} title={label} onClick={() => setAsked(true)}>
          <Icon name="trash" />
        </button>
      )}
    </li>
  );
}
