/** Goes to an address of the site as a link of its own does, from outside of its router. */

interface Place {
  readonly baseUrl: string;
  readonly baseUrls: readonly string[];
}

export function navigatorOf({ baseUrl, baseUrls }: Place): (url: string) => void {
  return (url) => {
    const target = new URL(url, location.href);
    const below = baseUrls.filter((base) => `${target.pathname}/`.startsWith(base));
    const closest = below.reduce((one, other) => (other.length > one.length ? other : one), "");
    if (target.origin !== location.origin || closest !== baseUrl) {
      // Another site, or another locale, whose pages the router does not have.
      location.assign(target);
      return;
    }
    // The router's own history writes such a state and listens for this event.
    const state = { key: Math.random().toString(36).slice(2, 8) };
    history.pushState(state, "", target);
    dispatchEvent(new PopStateEvent("popstate", { state }));
  };
}
