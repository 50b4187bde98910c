"""OAuth: clients, authorization codes, grants, refresh families, introspection and the mint of tokens.

The HTTP endpoints are in `broker.endpoints`.
"""
