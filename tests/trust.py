"""The certificates that this machine trusts, read once. Each client of httpx would read them anew, in 15 ms
of a processor's time, though hardly one of the tests speaks TLS."""

import ssl

TRUST = ssl.create_default_context()
