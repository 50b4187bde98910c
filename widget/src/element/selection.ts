/** Turns a selection on the page into a question: loads the watch at the first one, and takes the shortcut. */
import type { Candidate, WidgetOptions } from "./contract.js";
import { isShortcut } from "./shortcut.js";

export function scopeOf({ scope }: WidgetOptions): string {
  return scope || "article, main, .theme-doc-markdown";
}

export function shortcutOf({ shortcut = "Alt+Shift+A" }: WidgetOptions): string | false {
  return shortcut;
}

export interface Asking {
  readonly root: ShadowRoot;
  readonly lang: string;
  options(): WidgetOptions;
  onAsk(candidate: Candidate | null): void;
  onFailure(error: unknown): void;
}

/** Listens until `signal` aborts. */
export function askAboutSelections(
  { root, lang, options, onAsk, onFailure }: Asking,
  signal: AbortSignal,
): void {
  const scope = () => scopeOf(options());
  const first = new AbortController();
  signal.addEventListener("abort", () => first.abort());

  const watch = async () => {
    const [page, { loadStrings }] = await Promise.all([
      import("./page/asking.js"),
      import("./strings/index.js"),
    ]);
    const { askSelection } = await loadStrings(lang, options().strings);
    if (signal.aborted) return;
    const button = page.selectionButton(
      root,
      { ask: askSelection, shortcut: shortcutOf(options()) || null },
      onAsk,
    );
    const stop = page.watchSelection({ scope: scope(), onChange: (candidate) => button.show(candidate) });
    signal.addEventListener("abort", () => {
      stop();
      button.remove();
    });
  };

  const selected = () => {
    const selection = getSelection();
    if (!selection || selection.isCollapsed) return;
    const node = selection.anchorNode;
    if (!(node instanceof Element ? node : node?.parentElement)?.closest(scope())) return;
    first.abort();
    watch().catch(onFailure);
  };

  const pressed = (event: KeyboardEvent) => {
    const keys = shortcutOf(options());
    if (!keys || event.repeat || !isShortcut(event, keys)) return;
    event.preventDefault();
    import("./page/asking.js").then((page) => onAsk(page.captureSelection(scope()))).catch(onFailure);
  };

  document.addEventListener("selectionchange", selected, first);
  document.addEventListener("keydown", pressed, { signal });
}
