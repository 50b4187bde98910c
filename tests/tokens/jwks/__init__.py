"""Tests of `tokens.jwks`. tests/tokens/test_verify tests `local`."""
