"""Tests of `rag_backend.book.docusaurus`. test_site tests `config`, `doc_paths`, `js_scope`, `js_syntax`,
`js_values` and `versions`, and tests/rag_backend/book/test_built_site `asking`."""
