/** The Docusaurus plugin, on the side of Node. Built as CommonJS, beside `client.js` and `theme/`. */
/// <reference path="./theme.d.ts" preserve="true" />
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { Joi } from "@docusaurus/utils-validation";
import { FilesAsTheyAre, filesOf } from "./files.js";
import type { BundlerConfig, LoadContext, Plugin } from "./host.js";
import {
  type CheckedOptions,
  optionsSchema,
  type PluginOptions,
  refuseSecrets,
  requireReachable,
} from "./options.js";
import { siteOf } from "./site.js";

export type { PluginOptions } from "./options.js";

const NAME = "chatgate-widget";
/** The folder `dist`. */
const PACKAGE = dirname(__dirname);

export default function chatgateWidget(context: LoadContext, options: CheckedOptions): Plugin {
  named(() => {
    requireOneInstance(options);
    requireNoOtherCallback(context, options.callbackPath);
    const local = requireReachable(options, context.siteConfig.url, process.env.NODE_ENV === "production");
    if (local.length > 0)
      console.warn(`[WARNING] ${NAME}: ${local.join(", ")}: good for this machine alone.`);
  });
  const files = filesOf(PACKAGE, options.callbackPath);
  return {
    name: NAME,
    getThemePath: () => "./theme",
    getTypeScriptThemePath: () => "../../src/docusaurus/theme",
    getClientModules: () => (options.global ? ["./client.js"] : []),
    contentLoaded: ({ actions }) => actions.setGlobalData(siteOf(context, options, files.script)),
    configureWebpack: (config, isServer) => {
      const prism = { "chatgate-prism$": prismOf(config) };
      // A page that is rendered ahead has the element's tag and no use for its script.
      const element = { "chatgate-widget/element$": isServer ? false : join(PACKAGE, "served.js") };
      return {
        resolve: { alias: { ...prism, ...element } },
        plugins: isServer ? [] : [new FilesAsTheyAre(files)],
      };
    },
  };
}

export function validateOptions({
  validate,
  options,
}: {
  validate(schema: unknown, options: unknown): CheckedOptions;
  options: PluginOptions;
}): CheckedOptions {
  return named(() => {
    refuseSecrets(options);
    return validate(optionsSchema(Joi), options);
  });
}

export function getSwizzleConfig(): object {
  return {
    components: {
      ChatKitWidget: {
        actions: { eject: "safe", wrap: "safe" },
        description: "The widget inside a chapter, with the plugin's options",
      },
    },
  };
}

/** Names the plugin in the message: Docusaurus does not say whose options are wrong. */
function named<T>(step: () => T): T {
  try {
    return step();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${NAME}: ${reason}`, { cause: error });
  }
}

function requireOneInstance({ id }: CheckedOptions): void {
  if (id !== "default") {
    throw new Error(`the plugin is there a second time, as ${id}. Take one out: one serves the whole site.`);
  }
}

function requireNoOtherCallback({ siteDir, siteConfig }: LoadContext, path: string): void {
  const other = siteConfig.staticDirectories.find((folder) => existsSync(resolve(siteDir, folder, path)));
  if (other !== undefined) {
    throw new Error(
      `${join(other, path)} takes the place of the plugin's own page. Delete it, or set callbackPath.`,
    );
  }
}

/**
 * The theme's own prism-react-renderer, in which its languages are registered; false where there is none, which
 * bundlers take for an empty module.
 */
function prismOf(config: BundlerConfig): string | false {
  const alias = config.resolve?.alias ?? {};
  const theme = alias["@theme-original/prism-include-languages"] ?? alias["@theme/prism-include-languages"];
  if (typeof theme !== "string") return false;
  try {
    // The folder, not the file: bundlers choose the ES module there, as they do for the theme.
    return dirname(dirname(createRequire(theme).resolve("prism-react-renderer")));
  } catch {
    return false;
  }
}
