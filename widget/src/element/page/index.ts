/**
 * The element's work on the page around it: it reads the selection, highlights, and finds quotes. A page that
 * has shown no answer yet needs `asking.js` alone, which is half of it.
 */
export * from "./asking.js";
export { type HighlightName, highlight } from "./highlight.js";
export { type Cited, type Landed, type Landing, landOn, resumeLanding } from "./landing.js";
export { findQuote } from "./quotes.js";
