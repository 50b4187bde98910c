/** The panel's looks. Colours and type come from the site's `--ifm-*` variables where it has them. */

let sheet: CSSStyleSheet | null = null;

/** One sheet for all panels of a page; a strict policy allows it, where it forbids style elements. */
export function panelSheet(): CSSStyleSheet {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS_TEXT);
  }
  return sheet;
}

// The primary colour may be any. Text on it is black or white by its luminance (XYZ's Y), and white where that has
// 4.5:1, which is the better; text in it is as dark or as light as its background asks.
const COLOURS = `
.panel{
  --primary:var(--ifm-color-primary,#3155c6);--on-primary:#fff;--accent:#2b4cb3;
  --bg:var(--ifm-background-surface-color,#fff);--fallback:#fff;--fg:var(--ifm-font-color-base,#1c1e21);
  --line:rgb(0 0 0/.14);--edge:rgb(0 0 0/.5);--soft:rgb(0 0 0/.045);--code:#f6f8fa;--code-fg:#24292f;
  --danger:#b3261e;--shadow:0 12px 40px rgb(0 0 0/.18),0 2px 8px rgb(0 0 0/.1);color-scheme:light;
}
.panel[data-mode=dark]{
  --primary:var(--ifm-color-primary,#93aeff);--on-primary:#111;--accent:#a9beff;
  --bg:var(--ifm-background-surface-color,#242526);--fallback:#242526;--fg:var(--ifm-font-color-base,#e3e3e3);
  --line:rgb(255 255 255/.16);--edge:rgb(255 255 255/.55);--soft:rgb(255 255 255/.065);--code:#1b1c1f;--code-fg:#e6e6e6;
  --danger:#ffb4ab;--shadow:0 12px 40px rgb(0 0 0/.6),0 0 0 1px rgb(255 255 255/.06);color-scheme:dark;
}
@supports (color:color(from red xyz-d65 x y z)){
  .panel,.panel[data-mode]{
    --white:clamp(0,(.183 - y)*10000,1);
    --on-primary:color(from var(--primary) xyz-d65 calc(.9505*var(--white)) var(--white) calc(1.089*var(--white)));
    --accent:oklch(from var(--primary) min(l,.48) min(c,.17) h);
  }
  .panel[data-mode=dark]{--accent:oklch(from var(--primary) max(l,.78) min(c,.13) h)}
}
.panel{--muted:color-mix(in srgb,var(--fg) 74%,var(--fallback));--tint:color-mix(in srgb,var(--primary) 13%,var(--fallback))}
`;

const FRAME = `
.panel,.panel *,.panel ::before,.panel ::after{box-sizing:border-box}
.panel{
  all:unset;box-sizing:border-box;display:flex;flex-direction:column;position:fixed;overflow:hidden;
  inset-block-end:max(20px,env(safe-area-inset-bottom));inset-inline-end:max(20px,env(safe-area-inset-right));
  inline-size:min(432px,100vw - 40px);block-size:min(700px,100dvh - 40px);
  color:var(--fg);background:linear-gradient(var(--bg),var(--bg)) var(--fallback);
  border:1px solid var(--line);border-radius:16px;box-shadow:var(--shadow);
  font:400 .9375em/1.55 var(--ifm-font-family-base,system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif);
  text-align:start;overflow-wrap:anywhere;-webkit-text-size-adjust:100%;
}
.panel:not(.inline):not([open]){display:none}
.panel[open]{animation:rise .16s ease-out}
.panel:modal{
  inset:var(--above,0) 0 auto;inline-size:100%;max-inline-size:none;block-size:var(--visible,100dvh);max-block-size:none;
  border:0;border-radius:0;padding-inline:env(safe-area-inset-left) env(safe-area-inset-right);
}
.panel::backdrop{background:var(--ifm-background-color,Canvas)}
.panel.inline{position:relative;inset:auto;inline-size:100%;block-size:min(620px,90vh);box-shadow:none}
.content{display:flex;flex-direction:column;flex:1;min-block-size:0}
.hidden{position:absolute;inline-size:1px;block-size:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
[hidden]{display:none!important}
@keyframes rise{from{opacity:0;transform:translateY(10px)}}
h2,h3,h4,h5,h6,p,ul,ol,blockquote,figure,pre{margin:0;padding:0}
ul,ol{list-style:none}
svg{inline-size:20px;block-size:20px;flex:none;fill:none;stroke:currentColor;stroke-width:1.7;stroke-linecap:round;stroke-linejoin:round}
[dir=rtl] .flip{transform:scaleX(-1)}
button,textarea,input{font:inherit;color:inherit;letter-spacing:inherit}
button{cursor:pointer}
a{color:var(--accent);text-decoration:underline;text-underline-offset:2px;text-decoration-thickness:1px}
a:hover{text-decoration-thickness:2px}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.quiet{color:var(--muted);font-size:.9em}
header{display:flex;align-items:center;gap:2px;padding:8px 8px 8px 16px;padding-inline:16px 8px;border-block-end:1px solid var(--line);flex:none}
header:has([data-view=back]){padding-inline-start:8px}
h2{flex:1;font-size:1.02em;font-weight:650;line-height:1.3;min-inline-size:0}
.icon{
  display:inline-grid;place-items:center;inline-size:36px;block-size:36px;flex:none;padding:0;border:1px solid transparent;
  border-radius:9px;background:none;color:var(--muted);
}
.icon.small{inline-size:28px;block-size:28px;border-radius:7px}
.icon.small svg{inline-size:16px;block-size:16px}
.icon:hover{background:var(--soft);color:var(--fg)}
.icon[aria-pressed=true]{color:var(--accent);background:var(--tint)}
.icon[aria-pressed=true] path{fill:currentColor;fill-opacity:.25}
.button{
  display:inline-flex;align-items:center;justify-content:center;gap:6px;min-block-size:32px;padding:4px 12px;flex:none;
  border:1px solid var(--edge);border-radius:9px;background:none;font-size:.92em;font-weight:550;line-height:1.3;
}
.button svg{inline-size:15px;block-size:15px}
.button:hover:not([aria-disabled=true]){background:var(--soft)}
.button[aria-disabled=true]{color:var(--muted);border-color:var(--line);cursor:default;font-variant-numeric:tabular-nums}
.button.primary{background:var(--primary);color:var(--on-primary);border-color:transparent}
.button.primary:hover{background:var(--primary);box-shadow:0 0 0 3px var(--tint)}
.button.danger{color:var(--danger);border-color:currentColor}
`;

const CONVERSATION = `
.chat{display:flex;flex-direction:column;flex:1;min-block-size:0}
.log-frame{position:relative;flex:1;min-block-size:0;display:flex}
.log,.view{flex:1;overflow-y:auto;overscroll-behavior:contain;padding:16px;scrollbar-width:thin;scrollbar-color:var(--line) transparent}
.log:focus-visible{outline-offset:-3px}
.latest{position:absolute;inset-block-end:8px;inset-inline-start:calc(50% - 18px);color:var(--fg);background:var(--fallback);border-color:var(--line);border-radius:50%;box-shadow:0 2px 8px rgb(0 0 0/.15)}
.latest:hover{background:var(--fallback);border-color:var(--edge)}
.empty{display:flex;flex-direction:column;gap:6px;padding-block:8px}
.empty h3{font-size:1.3em;font-weight:650;line-height:1.25;letter-spacing:-.01em}
.empty p{color:var(--muted)}
.empty ul{display:flex;flex-direction:column;gap:8px;margin-block-start:14px}
.suggestion{inline-size:100%;min-block-size:40px;padding:8px 14px;text-align:start;border:1px solid var(--line);border-radius:11px;background:none;line-height:1.4}
.suggestion:hover{border-color:var(--accent);background:var(--soft)}
.turn+.turn{margin-block-start:22px}
.asked{margin-inline-start:auto;inline-size:fit-content;max-inline-size:88%;padding:9px 14px;border-radius:15px;border-end-end-radius:4px;background:var(--tint)}
.asked>p{white-space:pre-wrap}
.about{margin-block-end:6px;padding-inline-start:9px;border-inline-start:3px solid var(--accent);font-size:.87em;color:var(--muted);display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:3;overflow:hidden}
.answered{margin-block-start:14px}
.waiting{display:flex;align-items:center;gap:10px;color:var(--muted)}
.dots{display:inline-flex;gap:4px}
.dots i{inline-size:6px;block-size:6px;border-radius:50%;background:var(--accent);animation:beat 1.2s infinite ease-in-out}
.dots i:nth-child(2){animation-delay:.15s}
.dots i:nth-child(3){animation-delay:.3s}
@keyframes beat{0%,60%,100%{opacity:.3}30%{opacity:1}}
.sources{margin-block-start:14px}
.label{font-size:.82em;font-weight:650;color:var(--muted);margin-block-end:6px}
.sources ol{display:flex;flex-direction:column;gap:6px;counter-reset:source}
.sources li{counter-increment:source}
.source{display:grid;grid-template-columns:auto 1fr;gap:0 10px;padding:8px 12px 8px 10px;border:1px solid var(--line);border-radius:11px;color:var(--fg);text-decoration:none;line-height:1.4}
.source::before{content:counter(source);grid-row:1/span 2;inline-size:22px;block-size:22px;border-radius:6px;background:var(--tint);color:var(--fg);font-size:.8em;font-weight:650;display:grid;place-items:center}
a.source:hover{border-color:var(--accent);background:var(--soft)}
a.source:hover b{text-decoration:underline;text-underline-offset:2px}
.source b{font-weight:600;font-size:.93em}
.source q{grid-column:2;font-size:.86em;color:var(--muted);display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:2;overflow:hidden}
.actions{display:flex;gap:2px;margin-block-start:8px;margin-inline-start:-6px}
.ended{display:flex;align-items:center;gap:12px;margin-block-start:10px;color:var(--muted)}
.notice{display:flex;gap:10px;margin-block-start:12px;padding:11px 13px;border:1px solid color-mix(in srgb,var(--danger) 45%,transparent);border-radius:11px;background:color-mix(in srgb,var(--danger) 7%,transparent)}
.notice>svg{color:var(--danger);margin-block-start:1px}
.notice .button{margin-block-start:9px}
.view>.notice{margin-block:0 14px}
`;

const FOOT = `
.foot{flex:none;padding:0 12px max(8px,env(safe-area-inset-bottom))}
.fine{padding-block-start:6px;font-size:.76em;line-height:1.35;text-align:center;color:var(--muted)}
.gate.quiet{padding:0 4px 8px}
.card{margin-block-end:10px;padding:13px 14px;border-radius:12px;background:var(--soft);display:flex;flex-direction:column;align-items:flex-start;gap:4px;line-height:1.45}
.card p{font-size:.93em}
.card .card-title{font-weight:650;font-size:1em}
.card .button{margin-block-start:7px;min-block-size:36px;padding-inline:16px}
.composer{display:flex;flex-direction:column;border:1px solid var(--edge);border-radius:14px;background:var(--fallback)}
.composer:focus-within{border-color:var(--accent);box-shadow:0 0 0 1px var(--accent)}
textarea{
  display:block;inline-size:100%;min-block-size:44px;max-block-size:min(220px,30vh);padding:11px 4px 11px 14px;padding-inline:14px 4px;resize:none;border:0;background:none;
  outline:none;line-height:1.5;field-sizing:content;overflow-y:auto;scrollbar-width:thin;border-radius:14px;
}
textarea:focus-visible{outline:none}
textarea::placeholder{color:var(--muted);opacity:1}
.refusal{padding:2px 14px 4px;font-size:.85em;line-height:1.4;color:var(--muted)}
.refusal.over{color:var(--danger)}
.tools:not(:has(>*)){display:none}
.line{display:flex;align-items:flex-end;gap:4px}
.tools{display:flex;flex-wrap:wrap;align-items:center;gap:8px;padding:0 12px 7px 7px;padding-inline:7px 12px}
.counter{flex:1 0 auto;max-inline-size:100%;text-align:end;font-size:.82em;color:var(--muted);font-variant-numeric:tabular-nums}
.over{color:var(--danger)}
.send{display:grid;margin:4px;place-items:center;inline-size:36px;block-size:36px;flex:none;padding:0;border:1px solid transparent;border-radius:10px;background:var(--primary);color:var(--on-primary)}
.send[aria-disabled=true]{background:var(--soft);color:var(--muted);cursor:default}
.send:hover:not([aria-disabled=true]){box-shadow:0 0 0 3px var(--tint)}
.solid path{fill:currentColor}
.switch{display:flex;padding:2px;border-radius:10px;background:var(--soft);min-inline-size:0}
.switch button{min-block-size:28px;padding:2px 10px;border:1px solid transparent;border-radius:8px;background:none;font-size:.83em;line-height:1.25;color:var(--muted)}
.switch [aria-pressed=true]{background:var(--fallback);color:var(--fg);font-weight:600;border-color:var(--line)}
.chip{display:flex;gap:9px;align-items:flex-start;margin:7px 7px 0;padding:7px 6px 7px 10px;padding-inline:10px 6px;border-radius:9px;background:var(--soft);font-size:.87em;line-height:1.4;color:var(--fg)}
.chip>div{flex:1;min-inline-size:0}
.chip>svg{inline-size:16px;block-size:16px;margin-block-start:2px;color:var(--accent)}
.chip.over>svg,.chip.over .size{color:var(--danger)}
.excerpt{display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:2;overflow:hidden}
.size{color:var(--muted);font-size:.93em}
.rows{display:flex;flex-direction:column;margin-block-end:12px}
.rows:focus{outline:none}
.row{display:flex;align-items:center;gap:8px;padding-block:4px;border-block-end:1px solid var(--line)}
.entry{flex:1;min-inline-size:0;display:flex;flex-direction:column;gap:1px;padding:8px 6px;text-align:start;border:0;border-radius:9px;background:none;line-height:1.4;margin-inline-start:-6px}
button.entry:hover{background:var(--soft)}
.entry b,.who b{font-weight:600}
.entry>b{display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:2;overflow:hidden}
.entry>span,.who span{font-size:.87em;color:var(--muted);display:block}
.badge{padding:1px 7px;border-radius:99px;background:var(--tint);font-size:.76em;font-weight:600;white-space:nowrap}
.view>p:not(.quiet){margin-block-end:10px}
div.who{display:flex;align-items:center;gap:12px;justify-content:space-between;padding-block-end:14px}
p.who{font-weight:650}
.view h3{font-size:.95em;font-weight:650;padding-block:6px}
`;

const MARKDOWN = `
.md>*+*{margin-block-start:.75em}
.md :is(h3,h4,h5,h6){font-size:1.03em;font-weight:650;line-height:1.35;margin-block-start:1.15em}
.md h3{font-size:1.12em}
.md>:first-child{margin-block-start:0}
.md :is(ul,ol){padding-inline-start:1.5em;list-style:disc}
.md ol{list-style:decimal}
.md ul ul{list-style:circle}
.md li+li,.md li>:is(ul,ol),.md li>p+*{margin-block-start:.3em}
.md li::marker{color:var(--muted)}
.md .task{list-style:none;margin-inline-start:-1.3em}
.md .task>input{margin:0 .4em 0 0;margin-inline:0 .4em;vertical-align:-.1em}
.md .task>p{display:inline}
.md blockquote{padding-inline-start:.9em;border-inline-start:3px solid var(--line);color:var(--muted)}
.md hr{border:0;border-block-start:1px solid var(--line)}
.md strong{font-weight:650}
.md code{font-family:var(--mono);font-size:.88em;padding:.12em .34em;border-radius:5px;background:var(--soft);-webkit-box-decoration-break:clone;box-decoration-break:clone}
.panel{--mono:var(--ifm-font-family-monospace,ui-monospace,SFMono-Regular,Menlo,Consolas,monospace)}
.code{border:1px solid var(--line);border-radius:11px;background:var(--code);color:var(--code-fg);overflow:hidden;text-align:left}
.code figcaption{display:flex;align-items:center;justify-content:space-between;min-block-size:32px;padding:2px 4px 2px 12px;font-size:.8em;color:inherit;border-block-end:1px solid var(--line)}
.code .icon{color:inherit}
.code pre{padding:10px 12px;overflow-x:auto;overscroll-behavior-x:contain;scrollbar-width:thin;line-height:1.5;tab-size:4}
.code pre:focus-visible{outline-offset:-3px}
.code code{padding:0;background:none;font-size:.86em;white-space:pre;overflow-wrap:normal}
.scroll{overflow-x:auto;overscroll-behavior-x:contain;border:1px solid var(--line);border-radius:11px;scrollbar-width:thin}
.scroll:focus-visible{outline-offset:-3px}
table{border-collapse:collapse;min-inline-size:100%;font-size:.92em;overflow-wrap:normal}
th,td{padding:7px 11px;text-align:start;vertical-align:top;border-block-end:1px solid var(--line)}
tr>*+*{border-inline-start:1px solid var(--line)}
tbody tr:last-child td{border-block-end:0}
th{font-weight:650;background:var(--soft)}
.right{text-align:right}
.center{text-align:center}
.plain{white-space:pre-wrap;overflow-wrap:anywhere;content-visibility:auto;contain-intrinsic-block-size:auto 400px}
.md .plain+.plain{margin-block-start:0}
.mono{font-family:var(--mono);font-size:.86em}
`;

const CIRCUMSTANCES = `
@media (pointer:coarse){
  .icon,.icon.small,.send{inline-size:44px;block-size:44px}
  .button,.card .button,.switch button,.suggestion{min-block-size:44px}
  .icon.small svg{inline-size:18px;block-size:18px}
  textarea{font-size:max(16px,1em)}
  .latest{inset-inline-start:calc(50% - 22px)}
}
@media (max-height:480px){.fine{display:none}header{padding-block:2px}.log,.view{padding-block:10px}textarea{max-block-size:25vh}}
@media (prefers-reduced-motion:reduce){.panel *,.panel[open]{animation:none!important;transition:none!important;scroll-behavior:auto}}
@media (forced-colors:active){
  .panel,.composer,.asked,.card,.chip,.switch{border:1px solid CanvasText}
  .icon,.send,.switch button,.suggestion,.source{border-color:ButtonBorder}
  [aria-pressed=true]{forced-color-adjust:none;background:Highlight!important;color:HighlightText!important}
  .source::before,.badge{border:1px solid CanvasText}
  .dots i{background:CanvasText}
  [aria-disabled=true]{color:GrayText!important;border-color:GrayText!important}
  textarea:focus-visible{outline:2px solid Highlight;outline-offset:-4px}
}
@media print{.panel{display:none!important}}
`;

const CSS_TEXT = COLOURS + FRAME + CONVERSATION + FOOT + MARKDOWN + CIRCUMSTANCES;
