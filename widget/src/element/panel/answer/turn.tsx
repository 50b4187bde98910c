import { Component } from "preact";
import type { Answer, Citation, Passage, Rating, Turn as TurnState } from "../../../core/index.js";
import { Trouble } from "../../../core/index.js";
import { usePanel } from "../context.js";
import { Icon } from "../icons.js";
import { Notice, Retry } from "../notice.js";
import { useStore } from "../store.js";
import { CopyButton } from "./copy.js";
import { Link } from "./link.js";
import { AnswerText } from "./text.js";

interface TurnProps {
  readonly turn: TurnState;
}

/** One question and its answer. Turns of the past are not rendered again while the last one grows. */
export class Turn extends Component<TurnProps> {
  override shouldComponentUpdate(next: TurnProps): boolean {
    return next.turn !== this.props.turn;
  }

  override render({ turn }: TurnProps) {
    return (
      <article class="turn">
        <Asked turn={turn} />
        <Answered turn={turn} />
      </article>
    );
  }
}

function Asked({ turn: { question } }: TurnProps) {
  const { words } = usePanel();
  return (
    <div class="asked">
      <span class="hidden">{words.say("you")}: </span>
      {question.passage && (
        <>
          <span class="hidden">{words.say("passage")}: </span>
          <AskedPassage passage={question.passage} />
        </>
      )}
      <p dir="auto">{question.message}</p>
    </div>
  );
}

const SHOWN_PASSAGE = 300;

function AskedPassage({ passage }: { readonly passage: Passage }) {
  return (
    <blockquote class="about" dir="auto">
      {passage.text.slice(0, SHOWN_PASSAGE)}
    </blockquote>
  );
}

function Answered({ turn }: TurnProps) {
  const { words } = usePanel();
  const { answer } = turn;
  const isWhole = answer.state !== "waiting" && answer.state !== "writing";
  return (
    <div class="answered" aria-busy={!isWhole}>
      <span class="hidden">{words.say("answer")}: </span>
      {answer.text ? (
        <div dir="auto">
          <AnswerText text={answer.text} isWhole={isWhole} />
        </div>
      ) : (
        !isWhole && <Waiting />
      )}
      {answer.citations.length > 0 && <Sources citations={answer.citations} />}
      {answer.state === "done" && <Actions turn={turn} answer={answer} />}
      <Ending turn={turn} answer={answer} />
    </div>
  );
}

function Waiting() {
  const { words } = usePanel();
  return (
    <p class="waiting">
      <span class="dots" aria-hidden="true">
        <i />
        <i />
        <i />
      </span>
      {words.say("waiting")}
    </p>
  );
}

interface AnswerProps extends TurnProps {
  readonly answer: Answer;
}

/** The end of an answer that was not finished. */
function Ending({ turn, answer }: AnswerProps) {
  const { chatgate, words, report } = usePanel();
  const session = useStore(chatgate.session.state);
  const retry = () => {
    chatgate.chat.retry(turn.id).catch((error) => error instanceof Trouble && report(error));
  };
  const canAsk = session.name === "signed_in";
  if (answer.state === "stopped") {
    return (
      <div class="ended">
        <p>{words.say("stopped")}</p>
        {canAsk && <Retry retryAt={0} onRetry={retry} />}
      </div>
    );
  }
  if (answer.state !== "failed") return null;
  const trouble = answer.trouble ?? new Trouble("unexpected", "an answer failed and does not say why");
  return <Notice trouble={trouble} onRetry={canAsk ? retry : null} />;
}

function Sources({ citations }: { readonly citations: readonly Citation[] }) {
  const { words } = usePanel();
  return (
    <section class="sources" aria-label={words.say("sources")}>
      <p class="label" aria-hidden="true">
        {words.say("sources")}
      </p>
      <ol>
        {citations.map((citation) => (
          <li key={citation}>
            <Link class="source" href={citation.url} quote={citation.quote}>
              <b dir="auto">{citation.title || citation.url}</b>
              {citation.quote && <q dir="auto">{citation.quote}</q>}
            </Link>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Actions({ turn, answer }: AnswerProps) {
  const { words } = usePanel();
  return (
    <div class="actions">
      <CopyButton text={answer.text} label={words.say("copyAnswer")} />
      {answer.messageId !== null && (
        <>
          <Rate turn={turn} rating="helpful" />
          <Rate turn={turn} rating="not_helpful" />
        </>
      )}
    </div>
  );
}

function Rate({ turn, rating }: TurnProps & { readonly rating: Rating }) {
  const { chatgate, words, announce, report } = usePanel();
  const isPressed = turn.answer.rating === rating;
  const label = words.say(rating === "helpful" ? "helpful" : "notHelpful");
  const rate = () => {
    chatgate.chat.rate(turn.id, isPressed ? null : rating).then(
      () => announce(words.say(isPressed ? "unrated" : "rated")),
      (error) => {
        if (!(error instanceof Trouble)) throw error;
        report(error);
        announce(words.trouble(error));
      },
    );
  };
  return (
    <button
      type="button"
      class="icon small"
      aria-pressed={isPressed}
      aria-label={label}
      title={label}
      onClick={rate}
    >
      <Icon name={rating === "helpful" ? "up" : "down"} />
    </button>
  );
}
