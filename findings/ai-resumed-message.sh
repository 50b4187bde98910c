#!/usr/bin/env bash
# `readUIMessageStream` of ai 7.0.173 (npm) drops a message's parts when the stream names another message id.
#
# Expected: `message`, the message to go on with, keeps its parts, and the stream's parts come behind them.
# Instead: they do with the same id, or none, in the `start` part; with another id the message begins empty.
# Matters: a server that gives each answer a new id, which is what ids are for, erases what the reader has seen
# when an answer is resumed. It has to send the id of the message that is continued, or none.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --loglevel error --no-audit --no-fund ai@7.0.173 >/dev/null

cat > resume.mjs <<'JS'
import { readUIMessageStream } from "ai";

for (const messageId of [undefined, "old", "new"]) {
  const message = { id: "old", role: "assistant", parts: [{ type: "text", text: "before" }] };
  const stream = new ReadableStream({
    start(controller) {
      controller.enqueue({ type: "start", messageId });
      controller.enqueue({ type: "text-start", id: "1" });
      controller.enqueue({ type: "text-delta", id: "1", delta: "more" });
      controller.enqueue({ type: "text-end", id: "1" });
      controller.close();
    },
  });
  let last;
  for await (last of readUIMessageStream({ message, stream }));
  console.log(messageId, last.id, last.parts.map(({ text }) => text).join(" "));
}
JS

expected='undefined old before more
old old before more
new new more'
seen=$(node resume.mjs)

if [ "$seen" != "$expected" ]; then
  printf 'This has changed. Expected:\n%s\nSeen:\n%s\n' "$expected" "$seen" >&2
  exit 1
fi
printf '%s\n' "$seen"
