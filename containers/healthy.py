"""`python healthy.py URL`: exit code 0 where it answers 200. The image has no curl, and needs none."""

import sys
import urllib.error
import urllib.request

try:
    urllib.request.urlopen(sys.argv[1], timeout=3)  # noqa: S310  the address is docker-compose.yml's
except (OSError, urllib.error.URLError) as error:
    sys.exit(f"{sys.argv[1]}: {error}")
