"""Tests of `chat_proxy.conversations`. tests/chat_proxy/backends/test_openai tests `notes`."""
