#!/usr/bin/env bash
# LiteLLM 1.110.2 gives an empty answer, finished by `stop`, where an event's JSON has several `data` lines.
#
# Expected: a chunk on several `data` lines is the same chunk (HTML, "Server-sent events") to each provider of
# OpenAI's format, or else an error.
# Instead: `openai/` and `litellm_proxy/` read it. `hosted_vllm/`, `deepseek/`, `groq/` and `mistral/` drop
# its lines and end an empty answer with `stop`, as if the model had nothing to say.
# Matters: a backend that writes its JSON with line breaks works until its owner changes the provider's name.
# Then readers get empty answers, and no error says why. A backend should write a chunk on one line, and a
# gateway should take an empty answer for a failed one.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --no-compile litellm==1.110.2

cat > read.py <<'PY'
import http.server
import json
import threading

import litellm

PROVIDERS = ("openai", "litellm_proxy", "hosted_vllm", "deepseek", "groq", "mistral")
CHUNK = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "any"}
indent = None


class Stream(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for delta, reason in (("Be", None), ("cause", None), ("", "stop")):
            choice = {"index": 0, "delta": {"content": delta}, "finish_reason": reason}
            chunk = {**CHUNK, "choices": [choice]}
            for line in json.dumps(chunk, indent=indent).splitlines():
                self.wfile.write(f"data: {line}\n".encode())
            self.wfile.write(b"\n")
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stream)
threading.Thread(target=server.serve_forever, daemon=True).start()
for indent, lines in ((None, "one line"), (2, "several lines")):
    for provider in PROVIDERS:
        chunks = litellm.completion(
            model=f"{provider}/any",
            api_base=f"http://127.0.0.1:{server.server_port}",
            api_key="any",
            messages=[{"role": "user", "content": "Why?"}],
            stream=True,
        )
        choices = [chunk.choices[0] for chunk in chunks]
        text = "".join(choice.delta.content or "" for choice in choices)
        print(f"{lines}, {provider}: {text!r} {choices[-1].finish_reason}")
PY

expected="one line, openai: 'Because' stop
one line, litellm_proxy: 'Because' stop
one line, hosted_vllm: 'Because' stop
one line, deepseek: 'Because' stop
one line, groq: 'Because' stop
one line, mistral: 'Because' stop
several lines, openai: 'Because' stop
several lines, litellm_proxy: 'Because' stop
several lines, hosted_vllm: '' stop
several lines, deepseek: '' stop
several lines, groq: '' stop
several lines, mistral: '' stop"
# The table of prices comes with the package; without this LiteLLM would fetch a newer one.
seen=$(LITELLM_LOCAL_MODEL_COST_MAP=True venv/bin/python -W ignore read.py)

if [ "$seen" != "$expected" ]; then
  printf 'This has changed. Expected:\n%s\nSeen:\n%s\n' "$expected" "$seen" >&2
  exit 1
fi
printf '%s\n' "$seen"
