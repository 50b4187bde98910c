"""Tests of `rag_backend.book.docusaurus`. test_site tests `doc_paths` and `versions`, test_config `js_calls`,
`js_objects`, `js_scope`, `js_syntax` and `js_values`, and tests/rag_backend/book/test_built_site `asking`."""
