"""Readers of a site's own Better Auth server: who they are here, and whether their sessions there still live.

edge/upstreams asks such a server, in a way for each file there.
"""
