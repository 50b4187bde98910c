// The files that a reader's browser loads, compressed as a web server does it at best (gzip -9), one by one.
import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

const KB = 1000;
/** The two parts that a page loads before a reader asks for the widget. */
const MAX_LAUNCHER = 4 * KB;
const MAX_PANEL = 50 * KB;
const LAUNCHER = "dist/element.js";
const CLIENT = "dist/docusaurus/client.js";
const ONE_FILE = "dist/chatgate-widget.js";
const PANEL = "src/element/panel/index.tsx";
const RENDERER = "src/element/panel/answer/markdown.tsx";
const PAGE = "src/element/page/index.ts";
// One language is loaded, the page's; the largest stands for it.
const LANGUAGE = /(^|\/)strings\/(?!index)/;

export async function report({ outputs }) {
  const sizes = new Map();
  for (const path of [...Object.keys(outputs), ONE_FILE])
    sizes.set(path, gzipSync(await readFile(path), { level: 9 }).length);
  const sum = (paths) => [...paths].reduce((total, path) => total + sizes.get(path), 0);

  const imported = (...entries) => reached(outputs, entries, ["import-statement"]);
  const chunkOf = (entry) => Object.keys(outputs).find((path) => outputs[path].entryPoint === entry);
  const without = (paths, ...others) => [...paths].filter((path) => !others.some((other) => other.has(path)));
  const launcher = imported(CLIENT, LAUNCHER);
  const opened = imported(chunkOf(PANEL));
  const languages = Object.keys(outputs).filter((path) => LANGUAGE.test(outputs[path].entryPoint ?? ""));
  const largest = Math.max(0, ...languages.map((path) => sizes.get(path)));
  const panelSize = sum(without(opened, launcher)) + largest;
  const rendererSize = sum(without(imported(chunkOf(RENDERER)), launcher, opened));
  const pageSize = sum(without(imported(chunkOf(PAGE)), launcher, opened));

  const shares = [
    ["in a site's main bundle: the plugin's client module", sum(imported(CLIENT)), MAX_LAUNCHER],
    [
      "beside it, on every page: the launcher",
      sum(without(imported(LAUNCHER), imported(CLIENT))),
      MAX_LAUNCHER,
    ],
    ["all that opens with the panel", panelSize, MAX_PANEL],
    ["then, with the first question: the Markdown renderer", rendererSize, null],
    ["with the first selection or citation", pageSize, null],
    ["the element in one file, with all languages", sizes.get(ONE_FILE), null],
  ];
  return {
    text: shares.map(([name, size, max]) => `${kB(size)} of ${max ? kB(max) : "any"}  ${name}`).join("\n"),
    faults: shares
      .filter(([, size, max]) => max && size > max)
      .map(([name, size, max]) => `${name}: ${kB(size)}, and ${kB(max)} is the most.`),
  };
}

/** All that a built module may load, itself included, by paths below dist/. */
export function filesOf({ outputs }, entry) {
  const all = reached(outputs, [entry], ["import-statement", "dynamic-import"]);
  return [...all].map((path) => path.replace("dist/", "")).sort();
}

function reached(outputs, entries, kinds) {
  const found = new Set();
  const waiting = [...entries];
  while (waiting.length > 0) {
    const path = waiting.pop();
    if (found.has(path)) continue;
    found.add(path);
    for (const one of outputs[path].imports)
      if (!one.external && kinds.includes(one.kind)) waiting.push(one.path);
  }
  return found;
}

function kB(bytes) {
  return `${(bytes / KB).toFixed(1)} kB`;
}
