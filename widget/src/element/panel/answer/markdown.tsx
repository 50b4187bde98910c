// biome-ignore-all lint/correctness/useJsxKeyInIterable: an answer only grows at its end, so places are names enough
/** An answer's Markdown as Preact nodes. Nothing of it is ever parsed as HTML, and nothing is fetched. */
import { Component, type ComponentChild, type ComponentChildren } from "preact";
import { onFrame } from "../frames.js";
import { type Block, Blocks } from "./blocks.js";
import { Code } from "./code.js";
import { JOINER, type Token, type Tokens } from "./lexing.js";
import { Link } from "./link.js";

const MAX_DEPTH = 12;

interface MarkdownProps {
  readonly text: string;
  readonly isWhole: boolean;
}

/** Shows `text`, which may grow; parts that are settled are not rendered again. */
export class Markdown extends Component<MarkdownProps> {
  #blocks = new Blocks();
  #views = new WeakMap<Block, ComponentChild>();
  #cancel: (() => void) | null = null;

  override componentWillUnmount(): void {
    this.#cancel?.();
  }

  override shouldComponentUpdate(next: MarkdownProps): boolean {
    return next.text !== this.props.text || next.isWhole !== this.props.isWhole || this.#blocks.isBehind;
  }

  override render({ text, isWhole }: MarkdownProps) {
    const blocks = this.#blocks.read(text, isWhole);
    if (this.#blocks.isBehind) {
      this.#cancel?.();
      this.#cancel = onFrame(() => this.setState({}));
    }
    return <div class="md">{blocks.map((block) => this.#view(block))}</div>;
  }

  #view(block: Block): ComponentChild {
    let view = this.#views.get(block);
    if (!view) {
      view = blockView(block);
      if (!block.isOpen) this.#views.set(block, view);
    }
    return view;
  }
}

/** The nodes of one block. Plain text where its nodes cannot be made. */
export function blockView(block: Block): ComponentChild {
  if (!block.token) return <div class={block.isCode ? "plain mono" : "plain"}>{block.text}</div>;
  try {
    return node(block.token, { depth: 0, level: block.level, isOpen: block.isOpen });
  } catch {
    return <div class="plain">{block.text}</div>;
  }
}

interface Place {
  readonly depth: number;
  /** Heading level; 0 inside lists and quotes, where a heading is only strong text. */
  readonly level: number;
  readonly isOpen: boolean;
}

function nodes(tokens: readonly Token[] | undefined, place: Place): ComponentChildren {
  return tokens?.map((token) => node(token, place));
}

function node(token: Token, place: Place): ComponentChild {
  if (place.depth > MAX_DEPTH) return token.raw;
  const deeper = { ...place, depth: place.depth + 1 };
  const inside = () => nodes("tokens" in token ? token.tokens : undefined, deeper);
  switch (token.type) {
    case "space":
      return null;
    case "paragraph":
      return <p>{inside()}</p>;
    case "heading":
      return heading(place.level, inside());
    case "code":
      return (
        <Code code={token.text} language={language(token as Tokens.Code)} isOpen={isHalf(token, place)} />
      );
    case "list":
      return list(token as Tokens.List, { ...deeper, level: 0 });
    case "blockquote":
      return <blockquote>{nodes(token.tokens, { ...deeper, level: 0 })}</blockquote>;
    case "table":
      return <Table table={token as Tokens.Table} place={deeper} />;
    case "hr":
      return <hr />;
    case "strong":
      return <strong>{inside()}</strong>;
    case "em":
      return <em>{inside()}</em>;
    case "del":
      return <del>{inside()}</del>;
    case "codespan":
      return <code dir="ltr">{shown(token.text)}</code>;
    case "br":
      return <br />;
    case "link":
      return <Link href={entities(token.href)}>{inside()}</Link>;
    case "image":
      return entities(token.text || token.raw);
    case "escape":
      return shown(token.text);
    case "text":
      return token.tokens ? inside() : entities(shown(token.text));
    case "checkbox":
      return null;
    default:
      return shown(token.raw);
  }
}

function heading(level: number, children: ComponentChildren): ComponentChild {
  const Heading = `h${level}` as "h3";
  return level ? (
    <Heading>{children}</Heading>
  ) : (
    <p>
      <strong>{children}</strong>
    </p>
  );
}

function list({ ordered, start, items }: Tokens.List, place: Place): ComponentChild {
  const entries = items.map((item) => (
    <li class={item.task ? "task" : undefined}>
      {item.task && <input type="checkbox" checked={item.checked === true} disabled aria-label={item.text} />}
      {nodes(item.tokens, place)}
    </li>
  ));
  return ordered ? <ol start={Number(start) || 1}>{entries}</ol> : <ul>{entries}</ul>;
}

function Table({ table, place }: { table: Tokens.Table; place: Place }) {
  const cells = (row: readonly Tokens.TableCell[], Cell: "th" | "td") => (
    <tr>
      {row.map(({ tokens, align }) => (
        <Cell class={align ?? undefined}>{nodes(tokens, place)}</Cell>
      ))}
    </tr>
  );
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls has to be reached by the keyboard
    <div class="scroll" tabIndex={0}>
      <table>
        <thead>{cells(table.header, "th")}</thead>
        <tbody>{table.rows.map((row) => cells(row, "td"))}</tbody>
      </table>
    </div>
  );
}

function language({ lang }: Tokens.Code): string {
  return /^[\w#+.-]{1,30}/.exec(lang ?? "")?.[0] ?? "";
}

/** Tells whether a code block of an unfinished answer still lacks its closing fence. */
function isHalf(token: Token, place: Place): boolean {
  return place.isOpen && !/\n[ \t]*(?:`{3,}|~{3,})\s*$/.test(token.raw);
}

function shown(text: string): string {
  return text.includes(JOINER) ? text.replaceAll(JOINER, "") : text;
}

const NAMED: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: "\u00a0",
  hellip: "…",
  mdash: "—",
  ndash: "–",
  rarr: "→",
  larr: "←",
};

/** marked leaves entities for the HTML parser; there is none here. */
export function entities(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&(?:#(\d{1,7})|#x([\da-f]{1,6})|([a-z]{2,6}));/gi, (whole, decimal, hex, name) => {
    if (name) return NAMED[name] ?? whole;
    const point = decimal ? Number(decimal) : Number.parseInt(hex, 16);
    return point > 0 && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff)
      ? String.fromCodePoint(point)
      : "\ufffd";
  });
}
