"""Tests of `chat_proxy.streams`. test_revocations tests `running` and `leases` too,
tests/chat_proxy/test_chat `responses`, and tests/chat_proxy/test_process `drain`."""
