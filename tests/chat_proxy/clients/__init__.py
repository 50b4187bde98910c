"""Tests of `chat_proxy.clients`, with the official clients unchanged. tests/chat_proxy/test_chat tests
`native`, and every module `form`."""
