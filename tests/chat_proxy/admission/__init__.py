"""Tests of `chat_proxy.admission`. test_admission tests `cuts` and `commands`; streams/test_leases and
tests/broker/upstreams test `vouching`."""
