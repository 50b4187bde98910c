/** The files that a site serves as they are in the package: the element's scripts, and the callback page. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Compiler } from "./host.js";

const NAME = "chatgate-widget";

export interface Files {
  /** Path of the element's script below the base URL. */
  readonly script: string;
  /** The file at each path below the base URL. */
  readonly contents: ReadonlyMap<string, string>;
}

/** The files of the built package in `folder`, whose build lists the element's in `element.json`. */
export function filesOf(folder: string, callbackPath: string): Files {
  const read = (name: string) => readFileSync(join(folder, name), "utf8");
  const names: string[] = JSON.parse(read("element.json"));
  const texts = new Map(names.map((name) => [name, read(name)]));
  const digest = createHash("sha256")
    .update(JSON.stringify([...texts]))
    .digest("hex")
    .slice(0, 8);
  // As the bundler's own files, which a host may let browsers keep for ever.
  const place = `assets/${NAME}-${digest}`;
  const contents = new Map([...texts].map(([name, text]) => [`${place}/${name}`, text]));
  contents.set(callbackPath, read("chatgate-callback.html"));
  return { script: `${place}/element.js`, contents };
}

/** Puts them beside the site's own, in `docusaurus start` too; webpack and Rspack take it alike. */
export class FilesAsTheyAre {
  readonly #contents: ReadonlyMap<string, string>;

  constructor({ contents }: Files) {
    this.#contents = contents;
  }

  apply({ hooks, webpack: { Compilation, sources } }: Compiler): void {
    hooks.thisCompilation.tap(NAME, (compilation) => {
      const stage = Compilation.PROCESS_ASSETS_STAGE_ADDITIONAL;
      compilation.hooks.processAssets.tap({ name: NAME, stage }, () => {
        for (const [path, text] of this.#contents) {
          compilation.emitAsset(path, new sources.RawSource(text), { minimized: true });
        }
      });
    });
  }
}
