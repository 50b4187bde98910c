/** The links that an answer may have: to this site or to another one by http(s), and no others. */

export interface Target {
  readonly url: string;
  /** On this site, so that its router can go there. */
  readonly isOwn: boolean;
}

/** The link's target; null for an address that is not http(s). `base` is the site's own, with its path. */
export function linkTarget(href: string, base: string): Target | null {
  // The URL parser drops tabs and newlines, so that `java\nscript:` is a scheme to it; what it makes is judged.
  const url = parsed(href.trim(), base);
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) return null;
  const site = new URL(base);
  return { url: url.href, isOwn: url.origin === site.origin && url.pathname.startsWith(site.pathname) };
}

function parsed(href: string, base: string): URL | null {
  try {
    return new URL(href, base);
  } catch {
    return null;
  }
}
