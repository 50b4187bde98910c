/** The callback page's message to the page that asked, which does not depend on the popup's opener. */

const TYPE = "chatgate:authorization";

/** Calls `take` once with the answer that carries `state`. Returns a function that stops waiting. */
export function awaitAnswer(state: string, take: (answer: URLSearchParams) => void): () => void {
  const channel = typeof BroadcastChannel === "function" ? new BroadcastChannel("chatgate") : null;
  const end = () => {
    channel?.close();
    removeEventListener("storage", stored);
  };
  const hear = (message: unknown) => {
    if (typeof message !== "object" || message === null) return;
    const { type, search } = message as { type?: unknown; search?: unknown };
    if (type !== TYPE || typeof search !== "string") return;
    const answer = new URLSearchParams(search);
    // Other tabs of this origin receive it too; the state tells which one asked (RFC 6749 10.12).
    if (answer.get("state") !== state) return;
    end();
    take(answer);
  };
  const stored = (event: StorageEvent) => {
    if (event.key !== TYPE || event.newValue === null) return;
    try {
      hear(JSON.parse(event.newValue));
    } catch {
      // Another script of this origin wrote it.
    }
  };
  if (channel) channel.onmessage = (event) => hear(event.data);
  addEventListener("storage", stored);
  return end;
}
