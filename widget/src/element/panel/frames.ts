/** Work that waits for the next frame, or for a quarter of a second where the tab is hidden and has no frames. */

const HIDDEN_WAIT = 250;

/** Runs `work` once. Returns a function that cancels it. */
export function onFrame(work: () => void): () => void {
  const run = () => {
    cancel();
    work();
  };
  const frame = requestAnimationFrame(run);
  const timer = setTimeout(run, HIDDEN_WAIT);
  const cancel = () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
  };
  return cancel;
}
