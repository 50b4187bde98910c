import type { Options } from "../../core/index.js";

/** The site's own address with its path, which ends with a slash. */
export function siteBase(options: Pick<Options, "baseUrl">): string {
  const base = new URL(options.baseUrl || "/", location.href);
  base.search = base.hash = "";
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  return base.href;
}
