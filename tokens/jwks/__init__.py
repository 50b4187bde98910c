"""Verification keys: choosing one from a set, and keeping a set that is published elsewhere."""
