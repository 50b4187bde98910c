// The licences of the packages whose code is in the built files, as most of them ask for.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

export async function licencesOf(builds) {
  const inputs = builds.flatMap(({ metafile }) =>
    Object.values(metafile.outputs).flatMap((output) => Object.keys(output.inputs)),
  );
  const packages = new Set(
    inputs.map((path) => path.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1]).filter(Boolean),
  );
  return (await Promise.all([...packages].sort().map(licenceOf))).join("\n");
}

async function licenceOf(name) {
  const folder = join("node_modules", name);
  const file = (await readdir(folder)).find((one) => /^licen[cs]e/i.test(one));
  if (file === undefined) throw new Error(`${name} has no licence file`);
  return `${name}\n\n${(await readFile(join(folder, file), "utf8")).trim()}\n`;
}
