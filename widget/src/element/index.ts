/** `<chatgate-widget>`: loading this module registers it, once for a page. */
import { ChatgateWidget } from "./launcher.js";

export type { Candidate, CodeLine, WidgetOptions } from "./contract.js";
export { ChatgateWidget };

// A page may hold the script twice, and a server that renders pages has no registry.
if (globalThis.customElements && !customElements.get("chatgate-widget")) {
  customElements.define("chatgate-widget", ChatgateWidget);
}

declare global {
  interface HTMLElementTagNameMap {
    "chatgate-widget": ChatgateWidget;
  }
}
