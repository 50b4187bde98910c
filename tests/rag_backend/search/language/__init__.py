"""Tests of `rag_backend.search.language`. In the folder above, test_index tests `words`, `languages`,
`compounds`, `frequency` and `synonyms`."""
