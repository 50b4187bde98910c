"""A service of the tests' own: `stub_service.py PORT [unready|deaf|task]`."""

import http.server
import signal
import sys

port, manner = int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(503 if manner == "unready" else 200)
        self.end_headers()

    def log_message(self, *_):
        pass


def leave(*_):
    print("leaving", port, flush=True)
    sys.exit(0)


signal.signal(signal.SIGTERM, signal.SIG_IGN if manner == "deaf" else leave)
print("listening", port, flush=True)
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
