"""Tests of `chatgate.commands`, run in this process. test_ask tests `evaluate` too, and tests/generators
`generate`."""
