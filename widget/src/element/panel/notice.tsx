import type { Trouble, TroubleCode } from "../../core/index.js";
import { usePanel } from "./context.js";
import { Icon } from "./icons.js";
import { useCountdown } from "./store.js";

// Another try of the same thing cannot succeed.
const FINAL: ReadonlySet<TroubleCode> = new Set(["invalid_message", "invalid_selection", "not_found"]);

interface NoticeProps {
  readonly trouble: Trouble;
  /** Tries again; null if that makes no sense. */
  readonly onRetry: (() => void) | null;
}

/** Explains a trouble, and offers another try once its time has come. */
export function Notice({ trouble, onRetry }: NoticeProps) {
  const { words } = usePanel();
  return (
    <div class="notice">
      <Icon name="warning" />
      <div>
        <p>{words.trouble(trouble)}</p>
        {onRetry && !FINAL.has(trouble.code) && <Retry retryAt={trouble.retryAt} onRetry={onRetry} />}
      </div>
    </div>
  );
}

export function Retry({ retryAt, onRetry }: { readonly retryAt: number; readonly onRetry: () => void }) {
  const { words, announce } = usePanel();
  const left = useCountdown(retryAt, () => announce(words.say("retryReady")));
  // The button stays focusable while it counts, so that a keyboard user does not lose their place.
  return (
    <button type="button" class="button" aria-disabled={left > 0} onClick={() => left === 0 && onRetry()}>
      <Icon name="retry" />
      {left > 0 ? words.say("retryIn", { time: words.duration(left) }) : words.say("retry")}
    </button>
  );
}
