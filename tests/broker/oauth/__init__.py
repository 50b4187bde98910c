"""Tests of `broker.oauth`, over HTTP. families.py, proving.py and library_steps.py are shared.

test_token tests `clients` and `scopes`, test_exchange_and_introspection `introspection`, `mint` and
`grants/token_exchange`. test_libraries and test_authlib take clients of npm and PyPI through all of it.
"""
