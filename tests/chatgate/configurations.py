"""A configuration for production that `chatgate check` finds nothing in."""

PRODUCTION = """
[broker]
url = "https://auth.example.org"
[proxy]
url = "https://chat.example.org"
[redis]
url = "redis://redis.internal:6379/0"
[sites.docs]
origins = ["https://docs.example.org"]
backend = "book"
[backends.book]
url = "http://backend.internal:8002"
"""
