"""Tests of `broker.accounts`. test_passwords tests `password_hashes` too, and test_hashing_pool the pool of
`passwords` with `memory`."""
