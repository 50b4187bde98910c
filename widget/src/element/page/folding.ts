/**
 * Folds texts for comparison: white space, case and typography are ignored. A quote comes from the Markdown or
 * from a language model, so it seldom equals the page's text unit by unit.
 */

const QUOTES = /[\u2018-\u201b\u2032\u2039\u203a\u00b4]/g;
const DOUBLE_QUOTES = /[\u201c-\u201f\u2033\u00ab\u00bb]/g;
const DASHES = /[\u2010-\u2015\u2212]/g;
// White space, soft hyphens, controls (those of bidirectional text too), and the marks of inline code.
const DROPPED = /[\s\p{Cc}\p{Cf}`]/gu;
const WORD = /[\p{L}\p{N}\p{M}]/u;

const known = new Map<string, string>();

function foldCharacter(character: string): string {
  const found = known.get(character);
  if (found !== undefined) return found;
  const folded = character
    // Before NFKD, which makes a space and a mark of an acute accent.
    .replace(QUOTES, "'")
    .normalize("NFKD")
    .replace(DOUBLE_QUOTES, '"')
    .replace(DASHES, "-")
    .replace(DROPPED, "")
    // To upper and then lower case, so that "SS", "ß" and "ẞ" are one, and the two small sigmas.
    .toUpperCase()
    .toLowerCase();
  known.set(character, folded);
  return folded;
}

/** A text that grows by pieces, folded, which knows where each of its units came from. */
export class FoldedText {
  readonly #units: string[] = [];
  readonly #sources: number[] = [];
  #length = 0;
  #text: string | null = null;

  /** Adds a piece. Offsets count UTF-16 units over all pieces. */
  add(piece: string): void {
    this.#text = null;
    for (const character of piece) {
      for (const unit of foldCharacter(character)) {
        // Markdown's "--" is shown as one dash, and as two in code.
        if (unit !== "-" || this.#units.at(-1) !== "-") this.#push(unit, this.#length);
      }
      this.#length += character.length;
    }
  }

  #push(unit: string, source: number): void {
    // A unit of two UTF-16 units takes two places, so that places are indices of `text`.
    for (let place = 0; place < unit.length; place += 1) {
      this.#units.push(unit.charAt(place));
      this.#sources.push(source);
    }
  }

  get text(): string {
    this.#text ??= this.#units.join("");
    return this.#text;
  }

  /** The offset of the character from which the unit at `index` came. */
  sourceOf(index: number): number {
    return this.#sources[index] ?? this.#length;
  }

  /** The first unit that came from `source` or after it. */
  indexOf(source: number): number {
    let low = 0;
    let high = this.#sources.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#sources[middle] ?? source) < source) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Letters and digits alone, which are the same even if a quote still holds its Markdown. */
  words(): FoldedText {
    const words = new FoldedText();
    this.#units.forEach((unit, index) => {
      if (WORD.test(unit) || isSurrogate(unit)) words.#push(unit, this.sourceOf(index));
    });
    words.#length = this.#length;
    return words;
  }
}

function isSurrogate(unit: string): boolean {
  return unit >= "\ud800" && unit <= "\udfff";
}

export function fold(text: string): FoldedText {
  const folded = new FoldedText();
  folded.add(text);
  return folded;
}
