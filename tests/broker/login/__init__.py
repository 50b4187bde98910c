"""Tests of `broker.login`. test_limits tests `broker.limits`. The forms of the page are tested in
tests/broker/endpoints, and in a browser in tests/browser."""
