"""Tests of `broker.sessions`. tests/broker/endpoints/test_sessions and test_bearers test `current`;
tests/broker/oauth/test_revocation and tests/system/revocations/test_revocation_reach test `revocation`."""
