import type { WidgetOptions } from "./contract.js";

/** The options as text, by which a change is noticed. */
export function saidOf(options: WidgetOptions): string {
  // A Better Auth client makes a request of every member that it is asked for, `toJSON` among them.
  const betterAuth = options.betterAuth && { ...options.betterAuth, client: undefined };
  return JSON.stringify({ ...options, betterAuth });
}
