"""Tests of `edge.redis.topologies`. test_acknowledgements tests `server`, test_cluster `slots`, and
test_sentinel `survey`. tests/topologies starts the servers."""
