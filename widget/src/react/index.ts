/** The element for React 18 and 19. It uses no browser API before an effect runs. */
import { createElement, type ReactElement, useEffect, useRef } from "react";
import type { WidgetOptions } from "../element/contract.js";
import { saidOf } from "../element/said.js";

export type { WidgetOptions } from "../element/contract.js";

export interface ChatKitWidgetProps extends WidgetOptions {
  className?: string | undefined;
}

type WidgetElement = HTMLElement & { options: WidgetOptions };

export function ChatKitWidget({ className, ...options }: ChatKitWidgetProps): ReactElement {
  const element = useRef<WidgetElement>(null);
  const latest = useRef(options);
  useEffect(() => {
    latest.current = options;
  });
  // An array or an object that is written in JSX is a new one at every render, and says the same.
  const said = saidOf(options);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `said` stands for the values of `latest`.
  useEffect(() => {
    let isHere = true;
    // Set after the element is defined: before, the property would hide the class's own.
    load().then(
      () => {
        if (isHere && element.current) element.current.options = withLatestFunctions(latest);
      },
      (error) => console.error("chatgate: the widget's script could not be loaded.", error),
    );
    return () => {
      isHere = false;
    };
  }, [said]);
  // React 18 writes `className` into a custom element as it is; both know `class`. The element may have set
  // attributes of its own before React takes over a page that a server wrote.
  return createElement("chatgate-widget", { ref: element, class: className, suppressHydrationWarning: true });
}

/** A site's bundle may have something in the module's place that loads it later. */
async function load(): Promise<void> {
  await import("chatgate-widget/element");
  await customElements.whenDefined("chatgate-widget");
}

/** Options whose functions call those of the last render, although the element gets them only once. */
function withLatestFunctions(latest: { readonly current: WidgetOptions }): WidgetOptions {
  const { navigate, colourCode } = latest.current;
  return {
    ...latest.current,
    ...(navigate && { navigate: (url) => latest.current.navigate?.(url) }),
    ...(colourCode && {
      colourCode: async (code, language) => (await latest.current.colourCode?.(code, language)) ?? null,
    }),
  };
}
