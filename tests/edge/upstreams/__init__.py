"""Tests of `edge.upstreams`. test_clocks and test_redis test `session`, and test_remembered `site`;
tests/broker/upstreams tests `database`, `http` and `failures` with real Better Auth servers."""
