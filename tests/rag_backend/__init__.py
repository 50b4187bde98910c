"""Tests of `rag_backend`. test_chat tests `app`, `problems`, `logs` and `strict_json` too, and test_serve
`sockets`."""
