"""Tests of `tokens`. test_verify tests `claims`, `errors` and `jwks/local` too, and test_dpop `nonces`;
tests/broker/sessions/test_leftovers tests `readers`, and tests/broker/upstreams `sealing`."""
