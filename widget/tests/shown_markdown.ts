import type { ComponentChild } from "preact";
import { expect } from "vitest";
import { type Block, Blocks } from "../src/element/panel/answer/blocks.js";
import { Code } from "../src/element/panel/answer/code.js";
import { Link } from "../src/element/panel/answer/link.js";
import { blockView } from "../src/element/panel/answer/markdown.js";

/** Reads to the end, as a finished answer is shown over as many frames as it takes. */
export function whole(text: string): readonly Block[] {
  const blocks = new Blocks();
  let read = blocks.read(text, true);
  for (let step = 0; blocks.isBehind; step++) {
    expect(step).toBeLessThan(10_000);
    read = blocks.read(text, true);
  }
  return read;
}

/** As HTML that names components by their names, to see what would stand on the page. */
export function html(view: ComponentChild): string {
  if (view === null || view === undefined || typeof view === "boolean") return "";
  if (Array.isArray(view)) return view.map(html).join("");
  if (typeof view !== "object") return String(view).replaceAll("<", "&lt;");
  const { type, props } = view as { type: unknown; props: Record<string, unknown> };
  expect(props).not.toHaveProperty("dangerouslySetInnerHTML");
  if (type === Link) return `<a ${props.href}>${html(props.children as ComponentChild)}</a>`;
  if (type === Code) return `<code ${props.language}${props.isOpen ? " open" : ""}>${props.code}</code>`;
  if (typeof type === "function")
    return html((type as (props: unknown) => ComponentChild)(props) as ComponentChild);
  const children = html(props.children as ComponentChild);
  return type ? `<${type}>${children}</${type}>` : children;
}

export function shown(text: string): string {
  return whole(text).map(blockView).map(html).join("");
}

export function shownOf(unfinished: string): string {
  return new Blocks().read(unfinished, false).map(blockView).map(html).join("");
}
