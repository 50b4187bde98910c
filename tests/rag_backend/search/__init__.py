"""Tests of `rag_backend.search`. test_index tests `extract`, `passages`, `query`, `ranking`, `shown`, `terms`
and `writing`, test_meaning `embedding`, and test_vectors_later `vectors`, `replacing` and `unfinished`.
test_finding measures how much is found."""
