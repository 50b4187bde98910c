"""A service of the tests' own: `stub_service.py PORT [unready|deaf|task]`."""

import http.server
import os
import signal
import sys

port, manner = int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(503 if manner == "unready" else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def leave(*_: object) -> None:
    # The signal may come while the line below is printed, and print may not be called within itself.
    os.write(sys.stdout.fileno(), f"leaving {port}\n".encode())
    sys.exit(0)


signal.signal(signal.SIGTERM, signal.SIG_IGN if manner == "deaf" else leave)
print("listening", port, flush=True)
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
