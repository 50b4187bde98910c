/**
 * Finds options that look like a secret. Every reader gets all options in the pages, so such an option stops
 * the build.
 */

const NAME = /secret|token|passw|passphrase|api[-_]?key|private[-_]?key|credential|bearer|authorization/i;

const KINDS: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ["a key or a certificate in PEM", /-----BEGIN [A-Z0-9 ]+-----/],
  ["a JWT", /\beyJ[\w-]{10,}\.[\w-]{4,}/],
  ["an address with a password", /\b[a-z][a-z0-9+.-]*:\/\/[^\s/?#@]*:[^\s/?#@]+@/i],
  ["an API key", /\b(?:sk|pk|rk)[-_][\w-]{16,}/],
  ["a GitHub token", /\b(?:gh[a-z]_[A-Za-z0-9]{20,}|github_pat_\w{20,})/],
  ["a GitLab token", /\bglpat-[\w-]{16,}/],
  ["an npm token", /\bnpm_[A-Za-z0-9]{30,}/],
  ["a Slack token", /\bxox[a-z]-[\w-]{10,}/],
  ["an AWS access key", /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/],
  ["a Google API key", /\bAIza[\w-]{30,}/],
];

// 128 bits in hexadecimal; keys in base64 are hardly shorter.
const LONG = /[A-Za-z0-9+/_=-]{32,}/g;
// Nearly all texts of 32 random base64 characters have 4.2 bits or more a character; words and paths have less.
const MIN_BITS = 4.2;

export interface Finding {
  /** The option's path, as in `strings.ask` or `suggestions[2]`. */
  readonly option: string;
  /** The kind of secret that it looks like; never the value. */
  readonly reason: string;
}

/** The first option whose name or value looks like a secret. */
export function findSecret(options: unknown, path = ""): Finding | null {
  if (typeof options === "string") {
    const kind = kindOf(options);
    return kind === null ? null : { option: path, reason: `its value looks like ${kind}` };
  }
  if (typeof options !== "object" || options === null) return null;
  for (const [key, value] of Object.entries(options)) {
    const option = Array.isArray(options) ? `${path}[${key}]` : path === "" ? key : `${path}.${key}`;
    if (NAME.test(key)) return { option, reason: "its name is that of a secret" };
    const found = findSecret(value, option);
    if (found) return found;
  }
  return null;
}

function kindOf(text: string): string | null {
  const known = KINDS.find(([, pattern]) => pattern.test(text));
  if (known) return known[0];
  return (text.match(LONG) ?? []).some(isRandom) ? "random bytes in hexadecimal or base64" : null;
}

function isRandom(word: string): boolean {
  if (/^[0-9a-f]+$/i.test(word)) return /\d/.test(word) && /[a-f]/i.test(word);
  // A path or a selector is words with marks between them.
  const isMixed = /[a-z]/.test(word) && /[A-Z]/.test(word) && /\d/.test(word);
  return isMixed && bitsPerCharacter(word) >= MIN_BITS;
}

function bitsPerCharacter(word: string): number {
  const counts = new Map<string, number>();
  for (const character of word) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / word.length) * Math.log2(count / word.length);
  return bits;
}
