// The bench's measurements in the page of the widget, by the browser's own clock.
// `received` and `painted` are times (performance.now) and how many words had come or were to be seen by then.
window.seen = { received: [], painted: [], longTasks: [] };

new PerformanceObserver((list) => {
  for (const task of list.getEntries()) seen.longTasks.push(task.duration);
}).observe({ type: "longtask", buffered: true });

const read = ReadableStreamDefaultReader.prototype.read;
const decoder = new TextDecoder();
let words = 0;
ReadableStreamDefaultReader.prototype.read = async function () {
  const result = await read.call(this);
  if (result.value) {
    words += decoder.decode(result.value).split("event: delta").length - 1;
    seen.received.push([performance.now(), words]);
  }
  return result;
};

/** Watches the last answer below `root` until its text ends with `end`; counts its words after each frame. */
window.watchAnswer = (root, end) => {
  const channel = new MessageChannel();
  let isChanged = false;
  const observer = new MutationObserver(() => {
    isChanged = true;
  });
  observer.observe(root, { childList: true, characterData: true, subtree: true });
  // A message that is sent in a frame's callback arrives once that frame has been painted, with all that any
  // callback of it has changed.
  const frame = () => channel.port2.postMessage(0);
  channel.port1.onmessage = () => {
    if (isChanged) {
      isChanged = false;
      const text = root.querySelector("[role=log]").textContent;
      seen.painted.push([performance.now(), text.split(" word").length - 1]);
      if (text.includes(end)) return observer.disconnect();
    }
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
};
