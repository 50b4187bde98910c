"""Starter files for a site's owner, from the standard library alone.

`chatgate generate` and `scripts/` call this package, and the skill folder carries a copy of it, so it imports
nothing of ours and nothing that has to be installed.
"""
