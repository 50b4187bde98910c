/** The modules that Docusaurus' bundler finds by these names. */
declare module "@generated/globalData" {
  const globalData: Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;
  export default globalData;
}
declare module "@generated/codeTranslations" {
  const codeTranslations: Readonly<Record<string, string>>;
  export default codeTranslations;
}
declare module "@generated/docusaurus.config" {
  const siteConfig: {
    readonly themeConfig: {
      readonly prism?: {
        readonly theme?: import("./colours.js").PrismTheme;
        readonly darkTheme?: import("./colours.js").PrismTheme;
      };
    };
  };
  export default siteConfig;
}
declare module "@docusaurus/utils-validation" {
  export const Joi: import("joi").Root;
}
/** prism-react-renderer, or nothing: see `prismOf` in index.ts. */
declare module "chatgate-prism" {
  interface Token {
    readonly types: readonly string[];
    readonly content: string;
    readonly empty?: boolean;
  }
  export const Prism:
    | {
        readonly languages: Readonly<Record<string, object | undefined>>;
        readonly hooks: { run(name: string, environment: object): void };
        tokenize(code: string, grammar: object): unknown[];
      }
    | undefined;
  export const normalizeTokens: ((tokens: readonly unknown[]) => Token[][]) | undefined;
}
