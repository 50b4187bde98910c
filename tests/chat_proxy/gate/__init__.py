"""Tests of `chat_proxy.gate` and `chat_proxy.challenges`: tokens and proofs, good and hostile ones."""
