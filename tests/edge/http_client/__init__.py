"""Tests of `edge.http_client`, against a server of bytes (peer.py), and beside aiohttp. test_limits tests
`address`."""
