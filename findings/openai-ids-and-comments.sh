#!/usr/bin/env bash
# openai of PyPI (3.57.0) fails at an event stream that has ids and comments; that of npm (7.59.0) reads it.
#
# Expected: both read every valid event stream. A comment, an id or `retry` without data is no event (HTML,
# "Server-sent events": an empty data buffer dispatches nothing).
# Instead: both read ids alone and comments alone. Where a comment with its blank line follows an event with
# an id, the library of PyPI makes an event without data, and raises JSONDecodeError, which is no OpenAIError.
# It fails at `retry: 3000` with a blank line too.
# Matters: a server keeps streams open with comments, and adds ids so that an answer can be resumed. The two
# together break the slow answers of every client in Python, and of no other.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile openai==3.57.0
npm install --loglevel error --no-audit --no-fund openai@7.59.0 >/dev/null

cat > read.mjs <<'JS'
import OpenAI from "openai";

const client = new OpenAI({ apiKey: "any", baseURL: process.argv[2] });
const stream = await client.chat.completions.create({
  model: "any",
  messages: [{ role: "user", content: "Why?" }],
  stream: true,
});
let text = "";
try {
  for await (const chunk of stream) text += chunk.choices[0].delta.content ?? "";
  console.log(text);
} catch (error) {
  console.log(text, error.constructor.name);
}
JS

cat > read.py <<'PY'
import json
import sys

import openai

client = openai.OpenAI(api_key="any", base_url=sys.argv[1])
stream = client.chat.completions.create(
    model="any", messages=[{"role": "user", "content": "Why?"}], stream=True
)
text = ""
try:
    for chunk in stream:
        text += chunk.choices[0].delta.content or ""
    print(text)
except (openai.OpenAIError, json.JSONDecodeError) as error:
    print(text, type(error).__name__)
PY

cat > serve.py <<'PY'
import http.server
import json
import subprocess
import threading

CHUNK = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "any"}


def events(before, ids, comments):
    yield before
    for number, (delta, reason) in enumerate([("Be", None), ("cause", None), ("", "stop")]):
        choice = {"index": 0, "delta": {"content": delta}, "finish_reason": reason}
        chunk = {**CHUNK, "choices": [choice]}
        yield f"id: {number}\n" if ids else ""
        yield f"data: {json.dumps(chunk)}\n\n"
        yield ": still here\n\n" if comments else ""
    yield "data: [DONE]\n\n"


streams = {
    "ids": "".join(events("", True, False)),
    "comments": "".join(events("", False, True)),
    "ids and comments": "".join(events("", True, True)),
    "retry": "".join(events("retry: 3000\n\n", False, False)),
}
name = ""


class Stream(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(streams[name].encode())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stream)
threading.Thread(target=server.serve_forever, daemon=True).start()
clients = {"PyPI": ["venv/bin/python", "read.py"], "npm": ["node", "read.mjs"]}
for name in streams:
    for registry, command in clients.items():
        answer = subprocess.check_output([*command, f"http://127.0.0.1:{server.server_port}"], text=True)
        print(f"{name}, {registry}: {answer.strip()}")
PY

expected='ids, PyPI: Because
ids, npm: Because
comments, PyPI: Because
comments, npm: Because
ids and comments, PyPI: Be JSONDecodeError
ids and comments, npm: Because
retry, PyPI: JSONDecodeError
retry, npm: Because'
seen=$(venv/bin/python serve.py)

if [ "$seen" != "$expected" ]; then
  printf 'This has changed. Expected:\n%s\nSeen:\n%s\n' "$expected" "$seen" >&2
  exit 1
fi
printf '%s\n' "$seen"
