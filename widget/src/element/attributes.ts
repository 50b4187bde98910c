/** The element's attributes as options. */
import type { WidgetOptions } from "./contract.js";

export const ATTRIBUTES = [
  "backend-url",
  "broker-url",
  "client-id",
  "callback-url",
  "auth",
  "better-auth",
  "mode",
  "base-url",
  "lang",
  "placement",
  "scope",
  "shortcut",
  "suggestions",
];

/** Reads the attributes. Only JSON is checked here: the core refuses options that cannot work. */
export function readAttributes(element: HTMLElement): WidgetOptions {
  const options: Record<string, unknown> = { backendUrl: "" };
  for (const name of ATTRIBUTES) {
    const value = element.getAttribute(name);
    if (value === null) continue;
    const option = name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
    options[option] = name === "suggestions" || name === "better-auth" ? parsed(name, value) : value;
  }
  if (options.shortcut === "false") options.shortcut = false;
  return options as unknown as WidgetOptions;
}

function parsed(name: string, json: string): unknown {
  try {
    const found: unknown = JSON.parse(json);
    return name === "suggestions" ? (found as unknown[]).map(String) : found;
  } catch {
    console.warn(`[chatgate] ${name} has to be JSON.`);
    return [];
  }
}
