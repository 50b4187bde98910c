/** The widget's texts in one language, with its numbers, plurals and times. */
import type { Trouble } from "../../core/index.js";
import type { Strings } from "../strings/index.js";

type Key = keyof Strings;
type Values = Readonly<Record<string, string | number>>;

export class Words {
  readonly dir: "ltr" | "rtl";
  #plurals: Intl.PluralRules;
  #numbers: Intl.NumberFormat;

  constructor(
    /** One of ours, as in `de`. */
    readonly lang: string,
    private readonly strings: Strings,
  ) {
    this.dir = /^(?:ar|ur)$/.test(lang) ? "rtl" : "ltr";
    this.#plurals = new Intl.PluralRules(lang);
    this.#numbers = new Intl.NumberFormat(lang);
  }

  say(key: Key, values: Values = {}): string {
    return this.strings[key].replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = values[name];
      return typeof value === "number" ? this.#numbers.format(value) : (value ?? whole);
    });
  }

  /** A text with a count; `{n}` is the count. */
  count(key: Key, n: number): string {
    const forms = this.strings[key];
    const form = pluralForm(forms, this.#plurals.select(n));
    return form.replaceAll("{n}", this.#numbers.format(n));
  }

  trouble(trouble: Trouble): string {
    return this.say(`trouble_${trouble.code}`);
  }

  /** As in "3 hours ago". Times are milliseconds since the epoch. */
  ago(time: number, now: number): string {
    const seconds = Math.min(0, Math.round((time - now) / 1_000));
    const [unit, size] = UNITS.find(([, size]) => -seconds >= size) ?? (["second", 1] as const);
    const format = new Intl.RelativeTimeFormat(this.lang, { numeric: "auto" });
    return unit === "second" ? format.format(0, "second") : format.format(Math.round(seconds / size), unit);
  }

  /** As in "12 seconds" or "3 minutes". */
  duration(seconds: number): string {
    const [unit, size] = UNITS.find(([, size]) => seconds > size * 2) ?? (["second", 1] as const);
    return new Intl.NumberFormat(this.lang, { style: "unit", unit, unitDisplay: "long" }).format(
      Math.ceil(seconds / size),
    );
  }
}

const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;

/** Picks from `one=…|other=…`; a text without categories is its own only form. */
export function pluralForm(forms: string, category: string): string {
  const byCategory = new Map(
    forms.split("|").map((form) => {
      const equals = /^(zero|one|two|few|many|other)=/.exec(form);
      return equals ? [equals[1], form.slice(equals[0].length)] : ["other", form];
    }),
  );
  return byCategory.get(category) ?? byCategory.get("other") ?? forms;
}
