"""`python -m chat_proxy`."""

import sys

import edge.server.startup  # noqa: F401  before anything else
from edge.server import start

if __name__ == "__main__":
    sys.exit(start.main(start.CHAT_PROXY))
