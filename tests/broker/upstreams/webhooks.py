"""The webhook by which Better Auth servers tell the broker of the end of each session."""

SECONDARY = ("http, secondary", "http, secondary, 1.6", "jwt, secondary")
HOOKED = ("postgres", "http", "http, 1.6", "jwt", "redis, 1.6, stored", *SECONDARY)
"""Servers that tell the broker of the end of each session, if there is one at the port that they know."""
WEBHOOK = "/webhooks/better-auth/docs"
WEBHOOK_SECRET = "the webhook's secret in the tests, as long as others"
