"""Tests of `branches`. test_measuring runs it with `prepare`, `hook` and `report` on processes of its own."""
