"""Tests of `edge`. Every test of a dependency that fails passes through `unavailable`."""
