/** Markdown to tokens within bounds: no raw HTML, no definitions, and nothing that would take marked long. */
import { Lexer, type Token, Tokenizer, type Tokens } from "marked";

export type { Token, Tokens } from "marked";

// marked's inline rules take time that grows with the number of delimiters times the length, and with the square
// of the longest word. Measured on 2 cores: 500,000 of these units take about 10 ms, 16 KiB of `*a **b` 1.8 s.
const MAX_INLINE_COST = 500_000;
const MAX_STEP_COST = 2_000_000;

class Rules extends Tokenizer {
  // HTML is shown as the text that it is, so it needs no rules of its own.
  override html() {
    return undefined;
  }
  override tag(src: string) {
    const tag = /^<br ?\/?>/i.exec(src);
    return tag ? ({ type: "br", raw: tag[0] } as unknown as Tokens.Tag) : undefined;
  }
  // A definition would vanish from the answer, and what uses it may stand in a part that is settled already.
  override def() {
    return undefined;
  }
  // CommonMark takes a single `-` or `=` below a line as a heading's underline; in an answer that is being written
  // it is the beginning of something else.
  override lheading(src: string) {
    const heading = super.lheading(src);
    return heading && /\n {0,3}(?:-{2,}|={2,}) *\n*$/.test(heading.raw) ? heading : undefined;
  }
}

function inlineCost(source: string): number {
  const delimiters = source.match(/[*_~`[<!\\]/g)?.length ?? 0;
  let longest = 0;
  for (const word of source.split(/\s/)) longest = Math.max(longest, word.length);
  return delimiters * source.length + (longest > 100 ? longest * longest : 0);
}

const CJK = "\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}";
const CLOSING = new RegExp(`([\\p{P}\\p{S}])(?<!\\*)(\\*\\*)(?=[${CJK}])`, "gu");
const OPENING = new RegExp(`(?<=[${CJK}])(\\*\\*)(?=[\\p{P}\\p{S}])(?!\\*)`, "gu");
export const JOINER = "\u2060";

/**
 * CommonMark does not take `**` beside CJK punctuation as strong, because it looks for a space there. A word joiner
 * makes it so; the view leaves joiners out.
 */
function joinCjk(source: string): string {
  if (!source.includes("**")) return source;
  return source.replace(CLOSING, `$1${JOINER}$2`).replace(OPENING, `$1${JOINER}`);
}

/** Lexes a piece of Markdown. Raises RangeError where the nesting is deeper than the stack. */
export function lex(source: string): Token[] {
  const lexer = new Lexer({ gfm: true, tokenizer: new Rules() });
  const tokens: Token[] = [];
  lexer.blockTokens(source, tokens);
  let spent = 0;
  // `lexer.lex` would run the inline rules over all that was queued, whatever it costs. The queue grows meanwhile.
  for (let at = 0; at < lexer.inlineQueue.length; at++) {
    const queued = lexer.inlineQueue[at];
    if (!queued) break;
    const cost = inlineCost(queued.src);
    spent += cost;
    if (cost > MAX_INLINE_COST || spent > MAX_STEP_COST) {
      queued.tokens.push({ type: "text", raw: queued.src, text: queued.src, escaped: false });
    } else {
      lexer.inlineTokens(joinCjk(queued.src), queued.tokens);
    }
  }
  return tokens;
}

/** The number of tokens in all, up to `limit`. */
export function weigh(token: Token, limit: number): number {
  let weight = 1;
  for (const child of children(token)) {
    if (weight > limit) break;
    weight += weigh(child, limit - weight);
  }
  return weight;
}

function children(token: Token): readonly Token[] {
  if (token.type === "list") return (token as Tokens.List).items;
  if (token.type === "table") {
    const { header, rows } = token as Tokens.Table;
    return [header, ...rows].flat().flatMap((cell) => [{ type: "text", raw: "", text: "" }, ...cell.tokens]);
  }
  return "tokens" in token && token.tokens ? token.tokens : [];
}
