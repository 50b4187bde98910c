"""An OpenAI-style server in a container: a word every 300 ms, twelve of them."""

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WORDS = [f"word{number} " for number in range(12)]
EVERY_S = 0.3


class Model(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for word in WORDS:
            self._say(json.dumps({"choices": [{"index": 0, "delta": {"content": word}}]}))
            time.sleep(EVERY_S)
        self._say("[DONE]")

    def _say(self, data: str) -> None:
        self.wfile.write(f"data: {data}\n\n".encode())
        self.wfile.flush()


if __name__ == "__main__":
    ThreadingHTTPServer(("0.0.0.0", 8009), Model).serve_forever()
