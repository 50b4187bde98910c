/** The parts of Docusaurus 3 that the plugin uses, as its packages would bring in a whole site. */

export interface LoadContext {
  readonly siteDir: string;
  readonly siteConfig: {
    readonly url: string;
    /** The language of the locale that is built. */
    readonly baseUrl: string;
    readonly staticDirectories: readonly string[];
  };
  readonly i18n: {
    readonly defaultLocale: string;
    readonly currentLocale: string;
    readonly localeConfigs: Readonly<Record<string, { readonly htmlLang: string; readonly baseUrl: string }>>;
  };
}

/** The part of a bundler plugin's interface that webpack and Rspack share. */
export interface Compiler {
  readonly webpack: {
    readonly Compilation: { readonly PROCESS_ASSETS_STAGE_ADDITIONAL: number };
    readonly sources: { readonly RawSource: new (text: string) => unknown };
  };
  readonly hooks: {
    readonly thisCompilation: { tap(name: string, then: (compilation: Compilation) => void): void };
  };
}

export interface Compilation {
  readonly hooks: {
    readonly processAssets: { tap(options: { name: string; stage: number }, then: () => void): void };
  };
  emitAsset(path: string, source: unknown, info: { readonly minimized: boolean }): void;
}

export interface BundlerConfig {
  readonly resolve?: { readonly alias?: Readonly<Record<string, string | false | string[]>> };
}

export interface Plugin {
  readonly name: string;
  getThemePath(): string;
  getTypeScriptThemePath(): string;
  getClientModules(): string[];
  contentLoaded(args: { actions: { setGlobalData(data: unknown): void } }): void;
  configureWebpack(config: BundlerConfig, isServer: boolean): object;
}
