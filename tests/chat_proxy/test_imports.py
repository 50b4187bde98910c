"""The proxy starts without the libraries that few configurations of it need."""

import subprocess
import sys

UNNEEDED = ("aiohttp", "sqlalchemy")


def test_a_proxy_imports_no_library_for_ways_that_it_does_not_use():
    looked = f"[one for one in {UNNEEDED} if one in sys.modules]"
    words = f"import sys, chat_proxy.app, chat_proxy.serve; print({looked})"
    run = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
