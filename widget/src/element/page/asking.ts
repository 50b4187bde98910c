/** The part that a page loads at the first selection: half the size of all of `index.js`. */
export { captureSelection, type SelectionWatch, watchSelection } from "./selection.js";
export { type ButtonWords, type SelectionButton, selectionButton } from "./selection_button.js";
