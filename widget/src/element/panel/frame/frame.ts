/** The frame of the panel: a dialog beside the page, a sheet over it on small screens, or a region in it. */

import type { Words } from "../words.js";
import { colourMode, watchMode } from "./mode.js";
import { panelSheet } from "./styles.js";

const SMALL = "(max-width: 480px), (max-height: 480px)";

export class Frame {
  /** The element into which the panel is rendered. */
  readonly content = document.createElement("div");
  readonly #box: HTMLElement;
  readonly #status = document.createElement("div");
  readonly #small = matchMedia(SMALL);
  readonly #ends: (() => void)[] = [];
  #overflow: string | null = null;
  #isShown = false;

  constructor(
    private readonly root: ShadowRoot,
    private readonly isInline: boolean,
    words: Words,
    private readonly onEscape: () => void,
    /** The browser closed it by itself. */
    private readonly onClosed: () => void,
  ) {
    root.adoptedStyleSheets = [
      ...root.adoptedStyleSheets.filter((sheet) => sheet !== panelSheet()),
      panelSheet(),
    ];
    const box = document.createElement(isInline ? "section" : "dialog");
    this.#box = box;
    box.className = isInline ? "panel inline" : "panel";
    box.setAttribute("aria-label", words.say("title"));
    box.lang = words.lang;
    box.dir = words.dir;
    this.content.className = "content";
    this.#status.className = "hidden";
    this.#status.setAttribute("role", "status");
    box.append(this.content, this.#status);
    root.append(box);
    this.#listen();
  }

  /** True if it covers the page. */
  get isSheet(): boolean {
    return this.#box.matches(":modal");
  }

  show(): void {
    if (!(this.#box instanceof HTMLDialogElement) || this.#box.open) return;
    this.#isShown = true;
    if (this.#small.matches) this.#showSheet(this.#box);
    else this.#box.show();
  }

  /** Hides the frame. Returns true if it was shown. */
  hide(): boolean {
    if (!(this.#box instanceof HTMLDialogElement) || !this.#isShown) return false;
    this.#isShown = false;
    this.#box.close();
    this.#releasePage();
    return true;
  }

  remove(): void {
    this.#releasePage();
    for (const end of this.#ends) end();
    this.#box.remove();
  }

  /** Announces `text` politely, even if it is the same as before. */
  announce(text: string): void {
    this.#status.textContent = this.#status.textContent === text ? `${text}\u00a0` : text;
  }

  #showSheet(dialog: HTMLDialogElement): void {
    dialog.showModal();
    this.#overflow = document.documentElement.style.overflow;
    document.documentElement.style.overflow = "hidden";
    this.#fitKeyboard();
  }

  #releasePage(): void {
    if (this.#overflow === null) return;
    document.documentElement.style.overflow = this.#overflow;
    this.#overflow = null;
  }

  #listen(): void {
    const tint = () => {
      this.#box.dataset.mode = colourMode();
    };
    tint();
    this.#ends.push(watchMode(tint));
    this.#on(this.#box, "keydown", (event) => this.#keydown(event as KeyboardEvent));
    // A phone's way back asks a modal dialog to close.
    this.#on(this.#box, "cancel", (event) => {
      event.preventDefault();
      this.onEscape();
    });
    // It asks once, and closes the dialog for the next step back without a touch in between.
    this.#on(this.#box, "close", () => {
      if (this.#isShown && !(this.#box as HTMLDialogElement).open) this.onClosed();
    });
    this.#on(this.#small, "change", () => this.#changeShape());
    if (window.visualViewport) this.#on(window.visualViewport, "resize", () => this.#fitKeyboard());
  }

  #on(target: EventTarget, type: string, listener: (event: Event) => void): void {
    target.addEventListener(type, listener);
    this.#ends.push(() => target.removeEventListener(type, listener));
  }

  #keydown(event: KeyboardEvent): void {
    // The site's own shortcuts (a search that opens by `/`, say) do not listen to what is typed here.
    event.stopPropagation();
    if (event.key !== "Escape" || event.isComposing) return;
    event.preventDefault();
    this.onEscape();
  }

  /** The window became small or large while the panel is open. */
  #changeShape(): void {
    const focused = this.root.activeElement;
    if (!this.hide()) return;
    this.show();
    if (focused instanceof HTMLElement) focused.focus();
  }

  /** A keyboard on the screen makes the visible part smaller, not the page; the sheet ends above it. */
  #fitKeyboard(): void {
    const viewport = window.visualViewport;
    if (!viewport || this.isInline) return;
    this.#box.style.setProperty("--visible", `${viewport.height}px`);
    this.#box.style.setProperty("--above", `${viewport.offsetTop}px`);
  }
}
