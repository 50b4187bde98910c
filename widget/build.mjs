// Builds dist/: ES modules with shared chunks for bundlers, the Docusaurus plugin, types beside them, and one
// file for any page. With --check-size it prints how large they are, and fails where a target is missed; with
// --one-file FOLDER it builds that file alone.
import { execFileSync } from "node:child_process";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, extname } from "node:path";
import { parseArgs } from "node:util";
import { build, transform } from "esbuild";
import { licencesOf } from "./scripts/licences.mjs";
import { filesOf, report } from "./scripts/sizes.mjs";

const common = {
  bundle: true,
  format: "esm",
  target: ["es2022"],
  jsx: "automatic",
  jsxImportSource: "preact",
  legalComments: "none",
  charset: "utf8",
  logLevel: "warning",
  minify: true,
  metafile: true,
};

async function buildOneFile(folder) {
  const built = await build({
    ...common,
    entryPoints: ["src/element/index.ts"],
    outfile: `${folder}/chatgate-widget.js`,
    banner: { js: "// chatgate-widget, MIT; the licences of what is in it: chatgate-widget.licences.txt" },
  });
  await writeFile(`${folder}/chatgate-widget.licences.txt`, await licencesOf([built]));
}

const { values: flags } = parseArgs({
  options: { "one-file": { type: "string" }, "check-size": { type: "boolean" } },
});
if (flags["one-file"]) {
  await buildOneFile(flags["one-file"]);
  process.exit();
}

await rm("dist", { recursive: true, force: true });

const modules = await build({
  ...common,
  entryPoints: {
    core: "src/core/index.ts",
    element: "src/element/index.ts",
    react: "src/react/index.ts",
    "docusaurus/client": "src/docusaurus/client.ts",
  },
  external: ["react", "@generated/*", "chatgate-prism", "chatgate-widget/element"],
  outdir: "dist",
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
});

await writeFile("dist/element.json", JSON.stringify(filesOf(modules.metafile, "dist/element.js")));

await buildOneFile("dist");

// For Node, which reads it by `require`; not minified, as its errors are read in build logs.
const plugin = await build({
  ...common,
  entryPoints: ["src/docusaurus/index.ts"],
  outfile: "dist/docusaurus/index.cjs",
  format: "cjs",
  platform: "node",
  target: ["node20"],
  external: ["@docusaurus/*"],
  minify: false,
});
await writeFile("dist/licences.txt", await licencesOf([modules, plugin]));
await copyFile("../examples/callback/chatgate-callback.html", "dist/chatgate-callback.html");

// Unchanged except for their types: a bundler reads a comment in one, and a site may take its own copy of the
// other.
async function write(from, to) {
  const source = await readFile(`src/docusaurus/${from}`, "utf8");
  const { code } = await transform(source, {
    loader: extname(from).slice(1),
    jsx: "preserve",
    target: "es2022",
  });
  await mkdir(dirname(`dist/${to}`), { recursive: true });
  await writeFile(`dist/${to}`, code);
}
await write("served.ts", "served.js");
await write("theme/ChatKitWidget/index.tsx", "docusaurus/theme/ChatKitWidget/index.js");

execFileSync(
  process.execPath,
  ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json", "--noCheck"],
  {
    stdio: "inherit",
  },
);

if (flags["check-size"]) {
  const { text, faults } = await report(modules.metafile);
  console.log(text);
  if (faults.length > 0) {
    console.error(faults.join("\n"));
    process.exitCode = 1;
  }
}
