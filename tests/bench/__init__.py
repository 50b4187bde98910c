"""Tests of `bench`. test_figures makes a quick run, which passes through `backend`, `processes`, `report` and
`stack`. test_peers tests `peers/`, and test_slowest `scenarios/slowest` and `scenarios/parsers`. `against`,
`floor`, `oauth` and `scenarios/` are run by `make bench` alone."""
