/** Waits for the page: it is looked at after each of its changes, never by the clock alone. */

/** Several changes are looked at together, since a look may read the whole page. */
const LOOK_MS = 50;

/** The result of `look`, now or after a change of the DOM; null if it has none within `limitMs`. */
export function whenFound<T>(look: () => T | null, limitMs: number): Promise<T | null> {
  const found = look();
  if (found !== null) return Promise.resolve(found);
  return new Promise((resolve) => {
    let next: ReturnType<typeof setTimeout> | undefined;
    const end = (value: T | null) => {
      changes.disconnect();
      clearTimeout(next);
      clearTimeout(limit);
      resolve(value);
    };
    const again = () => {
      next = undefined;
      const value = look();
      if (value !== null) end(value);
    };
    const changes = new MutationObserver(() => {
      next ??= setTimeout(again, LOOK_MS);
    });
    const limit = setTimeout(() => end(look()), limitMs);
    changes.observe(document, { childList: true, subtree: true, attributes: true, characterData: true });
  });
}
