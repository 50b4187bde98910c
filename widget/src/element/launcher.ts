/** The element itself and its button, which every page loads. The rest is loaded when a reader needs it. */
import { hasPendingRedirect } from "../core/pending.js";
import { ATTRIBUTES, readAttributes } from "./attributes.js";
import type { Candidate, WidgetOptions } from "./contract.js";
import { launcherSheet } from "./look.js";
import type { MountedPanel } from "./panel/index.js";
import { saidOf } from "./said.js";
import { askAboutSelections, scopeOf, shortcutOf } from "./selection.js";
import { LAUNCHER } from "./strings/launcher.js";

// A server that renders pages has no HTMLElement, and imports this all the same.
const Base = globalThis.HTMLElement ?? (class {} as typeof HTMLElement);

const ICON = "M4 5h16v12h-8l-5 4v-4H4zM8 9h8M8 13h5";

/** The floating widgets of the page in their order. The first shows itself: two buttons would cover each other. */
const floating: ChatgateWidget[] = [];

export class ChatgateWidget extends Base {
  static readonly observedAttributes = ATTRIBUTES;
  #options: WidgetOptions | null = null;
  /** The options with which the running widget was started; null while it does not run. */
  #running: string | null = null;
  #life = new AbortController();
  #panel: Promise<MountedPanel> | null = null;
  #button: HTMLButtonElement | null = null;
  #opener: Element | null = null;

  /** The widget's options. Options that are set override the attributes; null restores the attributes. */
  get options(): WidgetOptions {
    return this.#options ?? readAttributes(this);
  }

  set options(options: WidgetOptions | null) {
    this.#options = options;
    this.#renew();
  }

  connectedCallback(): void {
    this.#renew();
  }

  disconnectedCallback(): void {
    this.#renew();
  }

  attributeChangedCallback(): void {
    this.#renew();
  }

  /** Shows the panel, about a selected passage if one is given. */
  async open(candidate: Candidate | null = null): Promise<void> {
    if (this.#running === null) return;
    const button = this.#button;
    // The focused element is read before anything is loaded, while the focus is where the reader left it.
    this.#opener = this.shadowRoot?.activeElement ?? document.activeElement;
    button?.setAttribute("aria-busy", "true");
    try {
      const panel = await this.#load();
      if (button) button.hidden = true;
      panel.open(candidate);
    } catch (error) {
      this.#fail(error);
    }
    button?.removeAttribute("aria-busy");
  }

  async close(): Promise<void> {
    (await this.#panel)?.close();
  }

  /** Options and attributes may all change in one go, and a move in the page takes the element out and in. */
  #renew(): void {
    queueMicrotask(() => {
      const wanted = this.isConnected ? saidOf(this.options) : null;
      if (wanted === this.#running) return;
      if (this.#running !== null) this.#stop();
      this.#running = wanted;
      if (wanted !== null) this.#start();
    });
  }

  #start(): void {
    const isInline = this.options.placement === "inline";
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [launcherSheet(isInline)];
    this.#life = new AbortController();
    if (isInline) {
      this.#loadWhenSeen();
    } else {
      floating.push(this);
      if (floating[0] === this) this.#float();
      else console.info("[chatgate] Two <chatgate-widget> float: one waits.");
    }
  }

  #float(): void {
    const button = document.createElement("button");
    this.#button = button;
    button.className = "launcher";
    button.ariaHasPopup = "dialog";
    const shortcut = shortcutOf(this.options);
    if (shortcut) button.setAttribute("aria-keyshortcuts", shortcut);
    button.append(drawing(), document.createElement("span"));
    button.onclick = () => void this.open();
    // Loading begins before the click, so that the files are there when it comes.
    button.onpointerenter = button.onfocus = () => void import("./panel/index.js").catch(() => {});
    this.shadowRoot?.append(button);
    this.#label(0);
    this.#watchSelection();
    if (hasPendingRedirect(this.options)) void this.open();
    this.#resumeLanding();
  }

  /** A citation that was followed by a full load has its quote to be shown on this page. */
  #resumeLanding(): void {
    try {
      if (!sessionStorage.getItem("chatgate-landing")) return;
    } catch {
      // Storage is denied, so nothing was kept either.
      return;
    }
    const { baseUrl = "/", navigate } = this.options;
    import("./page/index.js")
      .then((page) => page.resumeLanding({ scope: scopeOf(this.options), baseUrl, navigate }))
      .catch((error) => this.#fail(error));
  }

  #stop(): void {
    this.#life.abort();
    this.#button?.remove();
    this.#button = null;
    this.#panel?.then((panel) => panel.remove()).catch(() => {});
    this.#panel = null;
    const place = floating.indexOf(this);
    if (place >= 0) floating.splice(place, 1);
    const next = floating[0];
    if (place === 0 && next) next.#float();
  }

  #load(): Promise<MountedPanel> {
    const root = this.shadowRoot as ShadowRoot;
    this.#panel ??= import("./panel/index.js")
      .then(({ mountPanel }) =>
        mountPanel({
          root,
          isInline: this.#button === null,
          lang: this.#lang,
          scope: scopeOf(this.options),
          options: () => this.options,
          onClose: () => this.#closed(),
        }),
      )
      .catch((error) => {
        // Another click tries again.
        this.#panel = null;
        throw error;
      });
    return this.#panel;
  }

  #loadWhenSeen(): void {
    this.#watchSelection();
    // The code that the reader brings is good for a minute, whether or not they scroll here.
    if (hasPendingRedirect(this.options)) this.#load().catch((error) => this.#fail(error));
    const observer = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      this.#load().catch((error) => this.#fail(error));
    });
    observer.observe(this);
    this.#life.signal.addEventListener("abort", () => observer.disconnect());
  }

  #watchSelection(): void {
    askAboutSelections(
      {
        root: this.shadowRoot as ShadowRoot,
        lang: this.#lang,
        options: () => this.options,
        onAsk: (candidate) => void this.open(candidate),
        onFailure: (error) => this.#fail(error),
      },
      this.#life.signal,
    );
  }

  #fail(error: unknown): void {
    console.warn("[chatgate] The chat could not be loaded. Are all files published?", error);
    this.#label(1);
  }

  #closed(): void {
    if (this.#button) this.#button.hidden = false;
    const opener = this.#opener;
    if (opener instanceof HTMLElement && opener.isConnected && opener !== document.body) opener.focus();
    else this.#button?.focus();
  }

  get #lang(): string {
    return this.options.lang || document.documentElement.lang || "en";
  }

  #label(which: 0 | 1): void {
    const text = this.#button?.lastElementChild;
    const words = LAUNCHER[this.#lang.toLowerCase().split("-")[0] ?? ""] ?? LAUNCHER.en;
    const own = this.options.strings?.[which ? "loadFailed" : "launcher"];
    if (text) text.textContent = own ?? words?.[which] ?? "";
  }
}

function drawing(): SVGElement {
  const namespace = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(namespace, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.ariaHidden = "true";
  const path = document.createElementNS(namespace, "path");
  path.setAttribute("d", ICON);
  svg.append(path);
  return svg;
}
