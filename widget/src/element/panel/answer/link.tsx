import type { ComponentChildren } from "preact";
import { usePanel } from "../context.js";
import { siteBase } from "../site.js";
import { linkTarget } from "./links.js";

interface LinkProps {
  readonly href: string;
  readonly quote?: string;
  readonly class?: string;
  readonly children?: ComponentChildren;
}

/** A link of an answer; its text alone where the address is not one to follow. */
export function Link({ href, quote = "", class: name, children }: LinkProps) {
  const panel = usePanel();
  const target = linkTarget(href, siteBase(panel.options()));
  if (!target) return <span class={name}>{children}</span>;
  if (!target.isOwn) {
    return (
      <a class={name} href={target.url} target="_blank" rel="noopener noreferrer">
        {children}
        <span class="hidden"> ({panel.words.say("newTab")})</span>
      </a>
    );
  }
  const follow = (event: MouseEvent) => {
    // The browser's own ways to open a link elsewhere stay.
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0) return;
    event.preventDefault();
    panel.follow(target.url, quote);
  };
  return (
    <a class={name} href={target.url} rel="noopener noreferrer" onClick={follow}>
      {children}
    </a>
  );
}
