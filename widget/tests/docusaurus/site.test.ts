import { describe, expect, it } from "vitest";
import { siteOf } from "../../src/docusaurus/site.js";

const OPTIONS = {
  id: "default",
  backendUrl: "https://chat.example.org",
  callbackPath: "chatgate-callback.html",
  global: true,
  include: [],
  exclude: [],
};

function context(currentLocale: string) {
  const localeConfigs = {
    en: { htmlLang: "en", baseUrl: "/my-book/" },
    ar: { htmlLang: "ar-EG", baseUrl: "/my-book/ar/" },
  };
  const baseUrl = localeConfigs[currentLocale as "en" | "ar"].baseUrl;
  return {
    siteDir: "/site",
    siteConfig: { url: "https://owner.github.io", baseUrl, staticDirectories: ["static"] },
    i18n: { defaultLocale: "en", currentLocale, localeConfigs },
  };
}

describe("what a locale's pages are given", () => {
  it("has its own callback page and language, and the session of all", () => {
    expect(siteOf(context("ar"), OPTIONS, "assets/x/element.js")).toEqual({
      options: {
        backendUrl: "https://chat.example.org",
        lang: "ar-EG",
        callbackUrl: "/my-book/ar/chatgate-callback.html",
        baseUrl: "/my-book/",
      },
      isGlobal: true,
      include: [],
      exclude: [],
      script: "/my-book/ar/assets/x/element.js",
      baseUrl: "/my-book/ar/",
      baseUrls: ["/my-book/", "/my-book/ar/"],
    });
  });

  it.each([
    ["/docs/**", ["/docs", "/docs/a", "/docs/a/b", "/docs/.hidden"], ["/", "/doc", "/docsearch"]],
    ["/docs/*", ["/docs/a"], ["/docs/a/b", "/"]],
    ["/", ["/"], ["/docs"]],
    ["/docs/", ["/docs"], ["/docs/a"]],
    ["/{blog,news}/**", ["/blog/1", "/news"], ["/docs"]],
    ["/**", ["/", "/docs/a"], []],
  ])("knows the routes of %s", (pattern, inside, outside) => {
    const [source = ""] = siteOf(context("en"), { ...OPTIONS, include: [pattern] }, "").include;
    const isOn = (route: string) => new RegExp(source).test(route);
    expect(inside.filter((route) => !isOn(route))).toEqual([]);
    expect(outside.filter(isOn)).toEqual([]);
  });
});
