"""Tests of `rag_backend.book`. test_mdx tests `admonitions`, `elements`, `formulas`, `front_matter`,
`javascript`, `jsx` and `plain_text`, test_pages `partials` and `sources`,
tests/chatgate/commands/test_index `freshness`. test_built_site compares with pages that Docusaurus built."""
