"""A small HTTP/1.1 client for the requests that every question causes.

Requests that are rare, such as those to a Better Auth server, use aiohttp. The server that speaks HTTP/1 is
`edge.server`.
"""
