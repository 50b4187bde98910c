/** The looks of the element and its button. `all:initial` shuts out the page's rules; `!important` in here wins. */

// The page's button at a selection takes its colours from the `--cg-*` of this element.
const HOST = `:host{all:initial!important;color-scheme:inherit!important;--cg-primary:var(--ifm-color-primary,#3155c6);
--cg-surface:var(--ifm-background-surface-color,Canvas);--cg-text:var(--ifm-font-color-base,CanvasText);
--cg-font:var(--ifm-font-family-base,system-ui,sans-serif);display:block!important}
@media print{:host{display:none!important}}`;

// Black or white on the primary colour by its luminance, white where that has a contrast of 4.5:1.
const FLOATING = `:host{position:fixed!important;inset-block-end:max(20px,env(safe-area-inset-bottom))!important;
inset-inline-end:20px!important;z-index:2147483000!important}
.launcher{all:unset;display:flex;align-items:center;gap:9px;min-height:48px;padding:0 18px;border:1px solid transparent;
border-radius:25px;cursor:pointer;background:var(--cg-primary);color:#fff;
font:600 15px/1.3 var(--cg-font);box-shadow:0 4px 16px rgb(0 0 0/.3)}
@supports (color:color(from red xyz-d65 x y z)){.launcher{--w:clamp(0,(.183 - y)*10000,1);
color:color(from var(--cg-primary) xyz-d65 calc(.9505*var(--w)) var(--w) calc(1.089*var(--w)))}}
.launcher[hidden]{display:none}
.launcher:hover{box-shadow:0 4px 22px rgb(0 0 0/.45)}
.launcher:focus-visible{outline:2px solid #fff;box-shadow:0 0 0 5px #1b1b1d}
svg{width:22px;fill:none;stroke:currentColor;stroke-width:1.8;stroke-linejoin:round}
@media(forced-colors:active){.launcher{border-color:ButtonText}}`;

/** Constructed, which a strict policy allows where it forbids style elements. */
export function launcherSheet(isInline: boolean): CSSStyleSheet {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(isInline ? HOST : HOST + FLOATING);
  return sheet;
}
