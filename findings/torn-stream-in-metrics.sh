#!/usr/bin/env bash
# One Prometheus middleware of FastAPI counts a torn stream as a success, another as an error.
#
# Expected: both count the status that was sent, 200, as the exception comes after it.
# Instead: prometheus-fastapi-instrumentator 8.1.0 counts `2xx`; starlette-exporter 0.24.0 counts 500, a status
# that no client was sent.
# Matters: in a chat service nearly all failures come after the first event. With the one middleware the error
# rate stays 0 whatever the model does, and the figures of two services cannot be compared.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet fastapi==0.165.0 starlette==1.10.0 uvicorn==0.54.0 httpx==0.28.1 \
  prometheus-fastapi-instrumentator==8.1.0 starlette-exporter==0.24.0 prometheus-client==0.26.0

cat > metrics.py <<'PY'
import asyncio
import socket
import sys
import threading

import httpx
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from prometheus_client.parser import text_string_to_metric_families
from prometheus_fastapi_instrumentator import Instrumentator
from starlette_exporter import PrometheusMiddleware, handle_metrics

app = FastAPI()


async def pieces(torn):
    yield b"data: one\n\n"
    await asyncio.sleep(0.2)  # the first event goes out by itself
    if torn:
        raise RuntimeError("the model is gone")
    yield b"data: two\n\n"


@app.get("/whole")
async def whole():
    return StreamingResponse(pieces(False), media_type="text/event-stream")


@app.get("/torn")
async def torn():
    return StreamingResponse(pieces(True), media_type="text/event-stream")


@app.get("/raises")
async def raises():
    raise RuntimeError("the model is gone")


if sys.argv[1] == "instrumentator":
    Instrumentator().instrument(app).expose(app)
else:
    app.add_middleware(PrometheusMiddleware)
    app.add_route("/metrics", handle_metrics)
listener = socket.create_server(("127.0.0.1", 0))
server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()
base = f"http://127.0.0.1:{listener.getsockname()[1]}"
for path in ("/whole", "/torn", "/raises"):
    try:
        print(sys.argv[1], path, "read:", httpx.get(base + path).status_code)
    except httpx.TransportError:
        print(sys.argv[1], path, "read: cut")
for family in text_string_to_metric_families(httpx.get(base + "/metrics").text):
    for sample in family.samples:
        if sample.name in ("http_requests_total", "starlette_requests_total"):
            path = sample.labels.get("handler") or sample.labels["path"]
            status = sample.labels.get("status") or sample.labels["status_code"]
            print(sys.argv[1], path, "counted:", status)
PY

expected=$(cat <<'OUT'
instrumentator /whole read: 200
instrumentator /torn read: cut
instrumentator /raises read: 500
instrumentator /whole counted: 2xx
instrumentator /torn counted: 2xx
instrumentator /raises counted: 5xx
exporter /whole read: 200
exporter /torn read: cut
exporter /raises read: 500
exporter /whole counted: 200
exporter /torn counted: 500
exporter /raises counted: 500
OUT
)
seen=$(for name in instrumentator exporter; do venv/bin/python -W ignore metrics.py "$name"; done)

if [ "$seen" != "$expected" ]; then
  printf 'This has changed. Expected:\n%s\nSeen:\n%s\n' "$expected" "$seen" >&2
  exit 1
fi
printf '%s\n' "$seen"
