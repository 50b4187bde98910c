/** The addresses to which a citation may lead. */

/** As the proxy lets through (MAX_URL of chat_proxy/backends/native.py). */
const MAX_URL = 2_048;

/** The address, from this page; null for one that is not followed. */
export function addressOf(url: string): URL | null {
  if (url.length > MAX_URL) return null;
  let address: URL;
  try {
    address = new URL(url, location.href);
  } catch {
    return null;
  }
  if (address.protocol !== "https:" && address.protocol !== "http:") return null;
  // A user name makes an address look like another host's.
  if (address.username !== "" || address.password !== "") return null;
  // A text directive is the browser's, and the fragment before it is the heading's id.
  address.hash = address.hash.split(":~:")[0] ?? "";
  return address;
}

export function isWithin(url: URL, baseUrl: string): boolean {
  const base = baseUrl.endsWith("/") ? baseUrl : `${baseUrl}/`;
  return url.origin === location.origin && `${url.pathname}/`.startsWith(base);
}

/** Tells whether an address is this page's, with or without `index`, `.html` or a slash at its end. */
export function isHere(url: URL): boolean {
  const isSearchHere = url.search === "" || url.search === location.search;
  return url.origin === location.origin && isSearchHere && bare(url.pathname) === bare(location.pathname);
}

export function pathOf(url: URL): string {
  return url.pathname + url.search + url.hash;
}

function bare(path: string): string {
  const short = path.replace(/(?:\/index)?(?:\.html)?\/?$/, "");
  try {
    return decodeURI(short);
  } catch {
    return short;
  }
}
