/** The page's light or dark mode: by `html[data-theme]`, then its background, then the reader's system. */
import { useEffect, useState } from "preact/hooks";

export type ColourMode = "light" | "dark";

const DARK = "(prefers-color-scheme: dark)";

export function colourMode(): ColourMode {
  const theme = document.documentElement.dataset.theme;
  if (theme === "dark" || theme === "light") return theme;
  for (const element of [document.body, document.documentElement]) {
    const luminance = element && opaqueLuminance(getComputedStyle(element).backgroundColor);
    if (luminance !== null) return luminance < 0.3 ? "dark" : "light";
  }
  return matchMedia(DARK).matches ? "dark" : "light";
}

/** The rough luminance of `rgb(…)`, the form of computed styles; null for a translucent colour. */
function opaqueLuminance(colour: string): number | null {
  const parts = /^rgb\((\d+), (\d+), (\d+)\)$/.exec(colour);
  if (!parts) return null;
  const [red = 0, green = 0, blue = 0] = parts.slice(1).map((part) => (Number(part) / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Calls `change` whenever the page may have changed its mode. Returns a function that stops it. */
export function watchMode(change: () => void): () => void {
  const observer = new MutationObserver(change);
  const attributeFilter = ["data-theme", "class", "style"];
  observer.observe(document.documentElement, { attributeFilter });
  if (document.body) observer.observe(document.body, { attributeFilter });
  const query = matchMedia(DARK);
  query.addEventListener("change", change);
  return () => {
    observer.disconnect();
    query.removeEventListener("change", change);
  };
}

export function useMode(): ColourMode {
  const [mode, setMode] = useState(colourMode);
  useEffect(() => watchMode(() => setMode(colourMode())), []);
  return mode;
}
