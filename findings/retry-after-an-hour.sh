#!/usr/bin/env bash
# openai of npm asks again at once where `Retry-After` says an hour; openai of PyPI does not ask again at all.
#
# Expected: all clients keep to `Retry-After` or give up, and a longer wait never brings them back sooner.
# Instead: openai 3.57.0 (PyPI) sends one request. openai 7.59.0 and ai 7.0.173 (npm) take a wait of more than
# a minute as if it had not been said, and send their three requests within seconds. All three keep a wait of
# two seconds.
# Matters: a spent daily budget has the longest wait of all refusals, and brings three requests in a rush. A
# server has to say less than 60 seconds to both clients of npm; `x-should-retry: false` stops openai's only.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile openai==3.57.0
npm install --loglevel error --no-audit --no-fund openai@7.59.0 ai@7.0.173 @ai-sdk/openai-compatible@3.0.92 >/dev/null

cat > ask.mjs <<'JS'
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText } from "ai";
import OpenAI from "openai";

const [client, baseURL] = process.argv.slice(2);
const messages = [{ role: "user", content: "Why?" }];
try {
  if (client === "ai") {
    const model = createOpenAICompatible({ name: "any", baseURL }).chatModel("any");
    await generateText({ model, messages });
  } else {
    const client = new OpenAI({ apiKey: "any", baseURL });
    await client.chat.completions.create({ model: "any", messages });
  }
} catch {}
JS

cat > ask.py <<'PY'
import sys

import openai

client = openai.OpenAI(api_key="any", base_url=sys.argv[2])
try:
    client.chat.completions.create(model="any", messages=[{"role": "user", "content": "Why?"}])
except openai.RateLimitError:
    pass
PY

cat > serve.py <<'PY'
import http.server
import subprocess
import threading
import time

asked = []
wait = ""


class Spent(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        asked.append(time.monotonic())
        body = b'{"error": {"message": "The budget is spent.", "type": "rate_limit", "code": "budget"}}'
        self.send_response(429)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Retry-After", wait)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Spent)
threading.Thread(target=server.serve_forever, daemon=True).start()
clients = {
    "openai of PyPI": ["venv/bin/python", "ask.py", "openai"],
    "openai of npm": ["node", "ask.mjs", "openai"],
    "ai of npm": ["node", "ask.mjs", "ai"],
}
for wait in ("2", "3600"):
    for name, command in clients.items():
        asked.clear()
        subprocess.run([*command, f"http://127.0.0.1:{server.server_port}"], check=True)
        gaps = [later - sooner for sooner, later in zip(asked, asked[1:])]
        kept = all(gap >= float(wait) - 0.1 for gap in gaps)
        print(f"Retry-After {wait}, {name}: {len(asked)} requests,", "as told" if kept else "too soon")
PY

expected='Retry-After 2, openai of PyPI: 3 requests, as told
Retry-After 2, openai of npm: 3 requests, as told
Retry-After 2, ai of npm: 3 requests, as told
Retry-After 3600, openai of PyPI: 1 requests, as told
Retry-After 3600, openai of npm: 3 requests, too soon
Retry-After 3600, ai of npm: 3 requests, too soon'
seen=$(venv/bin/python serve.py)

if [ "$seen" != "$expected" ]; then
  printf 'This has changed. Expected:\n%s\nSeen:\n%s\n' "$expected" "$seen" >&2
  exit 1
fi
printf '%s\n' "$seen"
