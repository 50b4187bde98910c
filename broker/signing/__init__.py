"""The signing keys: the ring in Redis, sealing and opening it, and the operator's changes to it."""
