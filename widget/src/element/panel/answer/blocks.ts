/**
 * An answer that grows, as blocks: those that are settled stay the same objects, and only the rest is lexed anew.
 * Input that would take long (huge, deep, one endless line) comes out as plain text.
 */
import { lex, type Token, weigh } from "./lexing.js";
import { decided, fenceAfter } from "./undecided.js";

export interface Block {
  /** Null for a block that is shown as plain text. */
  readonly token: Token | null;
  readonly text: string;
  /** True for plain text that stood in a code fence. */
  readonly isCode: boolean;
  /** True while the block is the last of an unfinished answer. */
  readonly isOpen: boolean;
  /** A heading's level below the panel's own heading, with no level left out. */
  readonly level: number;
}

const SMALL_STEP = 4_096;
const MAX_BLOCK = 16_384;
const MAX_BLOCK_LINES = 1_000;
const MAX_CELLS = 1_500;
const MAX_ITEMS = 500;
const ITEM = /^[ \t]*(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)/;
const MAX_WEIGHT = 1_500;
const PIECE = 4_096;
const TOO_DEEP =
  /^(?:[ \t]*(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t]))){13}|^[ \t]{24,}(?:[-*+]|\d{1,9}[.)])[ \t]/;

interface Plain {
  /** The fence that the block is in, or empty. */
  readonly fence: string;
  /** The length of the rest that belongs to the block for certain. */
  readonly least: number;
}

export class Blocks {
  #settled: Block[] = [];
  /** The text that `#settled` was made from. */
  #seen = "";
  #level = 2;
  /** Inside a block that is plain text; null outside. */
  #plain: Plain | null = null;
  /** True if there is more text than one step takes; call `read` again for the next. */
  isBehind = false;

  /** The blocks of `text`, which is whole or may grow. Takes at most a few milliseconds a call. */
  read(text: string, isWhole: boolean): readonly Block[] {
    const source = text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
    if (!source.startsWith(this.#seen)) this.#reset();
    this.isBehind = false;
    if (this.#plain === null) this.#skipBlankLines(source);
    const rest = source.slice(this.#seen.length);
    if (!rest) return this.#settled;
    if (this.#plain !== null) return this.#readPlain(rest, this.#plain, isWhole);
    return this.#step(rest, SMALL_STEP, isWhole);
  }

  #reset(): void {
    this.#settled = [];
    this.#seen = "";
    this.#level = 2;
    this.#plain = null;
  }

  #skipBlankLines(source: string): void {
    let end = this.#seen.length;
    while (source[end] === "\n") end += 1;
    if (end > this.#seen.length) this.#seen = source.slice(0, end);
  }

  #step(rest: string, size: number, isWhole: boolean): readonly Block[] {
    const window = rest.slice(0, size);
    const offence = scan(window);
    if (offence?.at === 0) return this.#beginPlain(rest, offence.length, isWhole);
    const source = offence ? window.slice(0, offence.at) : window;
    const isAll = source.length === rest.length;
    const tokens = lexed(isAll && !isWhole ? decided(source) : source);
    if (!tokens) return this.#beginPlain(rest, 0, isWhole);
    if (isAll) return this.#settleAll(source, tokens, isWhole);
    // The window cuts its last block in two, unless it ends where a block does.
    const keep = offence ? tokens.length : lastSolid(tokens);
    if (keep === 0 && !offence) {
      return size < MAX_BLOCK ? this.#step(rest, MAX_BLOCK, isWhole) : this.#beginPlain(rest, size, isWhole);
    }
    const length = this.#settle(source, tokens.slice(0, keep));
    this.#seen += offence ? source : source.slice(0, length);
    this.isBehind = true;
    return this.#settled;
  }

  #settleAll(source: string, tokens: readonly Token[], isWhole: boolean): readonly Block[] {
    if (isWhole) {
      this.#settle(source, tokens);
      this.#seen += source;
      return this.#settled;
    }
    const keep = lastSolid(tokens);
    this.#seen += source.slice(0, this.#settle(source, tokens.slice(0, keep)));
    let level = this.#level;
    const open = tokens.slice(keep).flatMap((token) => {
      if (token.type === "space") return [];
      const block = blockOf(token, level, true);
      level = block.level;
      return [block];
    });
    return open.length ? [...this.#settled, ...open] : this.#settled;
  }

  /** Returns where the last of the tokens ends in `source`. */
  #settle(source: string, tokens: readonly Token[]): number {
    const settled = [...this.#settled];
    let end = 0;
    for (const token of tokens) {
      // marked leaves white space at the end of a list out of its `raw`.
      end = Math.max(source.indexOf(token.raw, end), end) + token.raw.length;
      if (token.type === "space") continue;
      const block = blockOf(token, this.#level, false);
      this.#level = block.level;
      settled.push(block);
    }
    this.#settled = settled;
    return end;
  }

  #beginPlain(rest: string, least: number, isWhole: boolean): readonly Block[] {
    const firstLine = rest.slice(0, rest.indexOf("\n") + 1 || PIECE).trimEnd();
    const plain = { fence: fenceAfter("", firstLine), least };
    return this.#readPlain(rest, plain, isWhole);
  }

  /** Takes text up to the next blank line, or to the end of the fence, in pieces of their own. */
  #readPlain(rest: string, { fence, least }: Plain, isWhole: boolean): readonly Block[] {
    const ending = fence ? new RegExp(`\\n {0,3}${fence}[\`~]*[ \\t]*(?:\\n|$)`, "g") : /\n[ \t]*\n/g;
    ending.lastIndex = fence ? 0 : least;
    const found = ending.exec(rest);
    const end = found ? found.index + found[0].length : rest.length;
    const isEndKnown = found !== null || isWhole;
    const settled = [...this.#settled];
    let at = 0;
    while (at < Math.min(end, MAX_BLOCK) && (isEndKnown || end - at > PIECE)) {
      const piece = pieceOf(rest, at, end);
      settled.push(plainBlock(piece, fence !== "", false));
      at += piece.length;
    }
    this.#settled = settled;
    this.#seen += rest.slice(0, at);
    this.#plain = found && at === end ? null : { fence, least: Math.max(0, least - at) };
    this.isBehind = at > 0 && at < rest.length && (isEndKnown || end - at > PIECE);
    return at < end && !this.isBehind
      ? [...settled, plainBlock(rest.slice(at, end), fence !== "", true)]
      : settled;
  }
}

function plainBlock(text: string, isCode: boolean, isOpen: boolean): Block {
  return { token: null, text, isCode, isOpen, level: 2 };
}

/** Cuts at white space where there is some, and never inside a surrogate pair. */
function pieceOf(text: string, from: number, to: number): string {
  if (to - from <= PIECE) return text.slice(from, to);
  const piece = text.slice(from, from + PIECE);
  const space = Math.max(piece.lastIndexOf("\n"), piece.lastIndexOf(" "));
  if (space > PIECE / 2) return piece.slice(0, space + 1);
  return /[\ud800-\udbff]$/.test(piece) ? piece.slice(0, -1) : piece;
}

function blockOf(token: Token, level: number, isOpen: boolean): Block {
  if (weigh(token, MAX_WEIGHT) > MAX_WEIGHT) return { ...plainBlock(token.raw, false, isOpen), level };
  const next = token.type === "heading" ? Math.min(token.depth + 2, level + 1, 6) : level;
  return { token, text: token.raw, isCode: false, isOpen, level: next };
}

/** The index of the last token that is not white space: the tokens before it are settled. */
function lastSolid(tokens: readonly Token[]): number {
  let at = tokens.length - 1;
  while (at > 0 && tokens[at]?.type === "space") at--;
  return Math.max(at, 0);
}

function lexed(source: string): Token[] | null {
  try {
    return lex(source);
  } catch {
    // Too deep for the stack, or a fault in marked: the reader gets the text all the same.
    return null;
  }
}

interface Offence {
  /** The offset at which the block begins. */
  readonly at: number;
  /** The length that is known to belong to it. */
  readonly length: number;
}

/** The first block that is too deep or has too many lines, items or cells; null when none is. */
function scan(window: string): Offence | null {
  let fence = "";
  let begin = 0;
  let count = NOTHING;
  for (let start = 0; start < window.length; ) {
    const newline = window.indexOf("\n", start);
    const end = newline < 0 ? window.length : newline;
    const line = window.slice(start, end);
    const isBlank = line.trim() === "";
    if (!fence && isBlank) {
      count = { ...count, lines: 0, cells: 0 };
      // Blank lines part the items of one list as well.
      if (count.items === 0) begin = end + 1;
    } else if (!fence) {
      if (count.lines === 0 && !/^[ \t]/.test(line) && !ITEM.test(line)) {
        begin = start;
        count = NOTHING;
      }
      count = counted(count, line);
      if (isTooMuch(count) || TOO_DEEP.test(line)) return { at: begin, length: start - begin };
    }
    fence = fenceAfter(fence, line);
    start = end + 1;
  }
  return null;
}

interface Count {
  readonly lines: number;
  readonly items: number;
  readonly cells: number;
}

const NOTHING: Count = { lines: 0, items: 0, cells: 0 };

function counted({ lines, items, cells }: Count, line: string): Count {
  return {
    lines: lines + 1,
    items: items + (ITEM.test(line) ? 1 : 0),
    cells: cells + line.split("|").length - 1,
  };
}

function isTooMuch({ lines, items, cells }: Count): boolean {
  return lines > MAX_BLOCK_LINES || items > MAX_ITEMS || cells > MAX_CELLS;
}
