"""Tests of `chatgate.doctor.services`. test_reverse_proxies tests `body_limit`, `headers` and `service`,
test_registration `origins`, and tests/chatgate/doctor/test_client `certificates`."""
