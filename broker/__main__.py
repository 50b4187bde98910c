"""`python -m broker`."""

import sys

from edge.server import start

if __name__ == "__main__":
    sys.exit(start.main(start.BROKER))
