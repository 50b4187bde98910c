import { describe, expect, test } from "vitest";
import { pluralForm, Words } from "../src/element/panel/words.js";
import { en } from "../src/element/strings/en.js";
import { LANGUAGES, loadStrings, pickLanguage } from "../src/element/strings/index.js";
import { LAUNCHER } from "../src/element/strings/launcher.js";

const isPlural = (text: string) => text.includes("other=");

function placeholders(text: string): string[] {
  return [...new Set(text.match(/\{\w+\}/g))].sort();
}

describe.each(LANGUAGES)("%s", async (language) => {
  const strings = await loadStrings(language);

  test("has every text, and none is empty", () => {
    expect(Object.keys(strings).sort()).toEqual(Object.keys(en).sort());
    for (const text of Object.values(strings)) expect(text.trim()).not.toBe("");
  });

  test.each(Object.entries(en))("%s has the placeholders of English", (key, english) => {
    const text = strings[key as keyof typeof en];
    expect(isPlural(text)).toBe(isPlural(english));
    if (!isPlural(english)) return expect(placeholders(text)).toEqual(placeholders(english));
    const categories = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    expect([...text.matchAll(/(?:^|\|)(\w+)=/g)].map((match) => match[1]).sort()).toEqual(
      [...categories].sort(),
    );
    for (const category of categories) expect(placeholders(pluralForm(text, category))).toEqual(["{n}"]);
  });

  test("its launcher says the same", () => {
    expect(LAUNCHER[language]).toEqual([strings.launcher, strings.loadFailed]);
  });
});

test.each([
  ["de-AT", "de"],
  ["zh-Hant-TW", "zh"],
  ["AR", "ar"],
  ["pt-BR", "en"],
  ["", "en"],
])("the language %j is served by %s", (tag, language) => {
  expect(pickLanguage(tag)).toBe(language);
});

test("a site's own words win, with or without plural forms", async () => {
  const words = new Words("en", await loadStrings("en", { title: "Ask the manual", charsLeft: "{n} to go" }));
  expect(words.say("title")).toBe("Ask the manual");
  expect(words.count("charsLeft", 1)).toBe("1 to go");
});

test.each([
  ["en", 1, "1 character"],
  ["en", 12_000, "12,000 characters"],
  ["de", 12_000, "12.000 Zeichen"],
  ["ar", 3, "3 أحرف"],
  ["ar", 11, "11 حرفًا"],
  ["ja", 1, "1 文字"],
])("in %s %i characters are %j", async (language, count, text) => {
  expect(new Words(language, await loadStrings(language)).count("passageLength", count)).toBe(text);
});

test("times are told in words", async () => {
  const words = new Words("en", await loadStrings("en"));
  const now = Date.UTC(2026, 0, 10);
  expect(words.ago(now - 5_000, now)).toBe("now");
  expect(words.ago(now - 3 * 3_600_000, now)).toBe("3 hours ago");
  expect(words.ago(now - 30 * 3_600_000, now)).toBe("yesterday");
  // A clock that is a little behind the server's.
  expect(words.ago(now + 5_000, now)).toBe("now");
  expect(words.duration(42)).toBe("42 seconds");
  expect(words.duration(600)).toBe("10 minutes");
});
