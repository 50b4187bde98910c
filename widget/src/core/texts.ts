/** Normalises and counts texts exactly as the chat proxy does (chat_proxy/questions/texts.py). */
import { Trouble } from "./trouble.js";

export const MAX_MESSAGE = 4_000;
export const MAX_SELECTION = 12_000;

const LONE_SURROGATE = /\p{Surrogate}/u;

/** Unicode code points; a lone surrogate counts as one. */
export function countCodePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** The blanks that `trim` removes, and U+001C to U+001F, U+0085 and U+200B, which other languages strip too. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the rule names them
const BLANK = /[\s\u001c-\u001f\u0085\u200b]/;
/** The most code points that NFC composes into one. */
const COMPOSED_FROM = 4;
/** More marks in a row than any language has, or more vowels and finals of Hangul without a syllable. */
const TOO_MANY_JOINED = /[\p{M}\u1160-\u11ff\ud7b0-\ud7fb]{31}/u;

/** A message without blanks at its ends; null if it has half of a surrogate pair. */
export function normaliseMessage(text: string): string | null {
  return LONE_SURROGATE.test(text) ? null : trimmed(text);
}

/**
 * A selection with CRLF and CR as LF, NBSP as space, without U+200B and U+FEFF, in NFC, without blanks at its
 * ends; null if it has half of a surrogate pair, or too many marks in a row. A text that is far too long is not
 * composed.
 */
export function normaliseSelection(text: string): string | null {
  if (LONE_SURROGATE.test(text)) return null;
  const plain = text
    .replace(/\r\n?/g, "\n")
    .replaceAll("\u00a0", " ")
    .replace(/[\u200b\ufeff]/g, "");
  // A code point is one or two UTF-16 units.
  const isFarTooLong = plain.length > 2 * COMPOSED_FROM * MAX_SELECTION;
  if (isFarTooLong) return trimmed(plain);
  const composed = plain.normalize("NFC");
  return TOO_MANY_JOINED.test(composed) ? null : trimmed(composed);
}

/** The Trouble of a normalised message; null if it has 1 to 4,000 code points. */
export function troubleOfMessage(text: string | null): Trouble | null {
  return fits(text, MAX_MESSAGE)
    ? null
    : new Trouble("invalid_message", `A message is a text of 1 to ${MAX_MESSAGE} code points.`);
}

/** The Trouble of a normalised selection; null if it has 1 to 12,000 code points. */
export function troubleOfSelection(text: string | null): Trouble | null {
  return fits(text, MAX_SELECTION)
    ? null
    : new Trouble(
        "invalid_selection",
        `A selection is a text of 1 to ${MAX_SELECTION} code points, and of at most 30 marks in a row.`,
      );
}

function fits(text: string | null, most: number): boolean {
  if (text === null || text === "" || text.length > 2 * most) return false;
  return countCodePoints(text) <= most;
}

/** Removes one blank after the other: a regular expression for an end takes quadratic time. */
function trimmed(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && BLANK.test(text.charAt(start))) start += 1;
  while (end > start && BLANK.test(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}
