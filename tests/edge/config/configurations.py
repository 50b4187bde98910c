"""A configuration without a fault, and secrets that cannot be guessed."""

SECRETS = {
    "CHATGATE_BROKER_SECRET": "0123456789abcdef0123456789abcdef",
    "CHATGATE_BACKENDS_BOOK_SECRET": "fedcba9876543210fedcba9876543210",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
}
GOOD = """
[sites.my-docs]
origins = ["https://owner.github.io"]
backend = "book"
[backends.book]
url = "http://127.0.0.1:8002"
"""
