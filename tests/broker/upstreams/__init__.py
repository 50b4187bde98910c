"""Tests of `broker.upstreams` and of `edge.upstreams`, with real Better Auth servers on Node (theirs.py).

test_failing_keys and test_old_jwts test `jwts`, test_shared_redis `seals`, and all modules `upstreams`.
"""
