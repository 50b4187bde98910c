"""Tests of `chatgate.stack.pages`. test_book_site tests `book_html`, tests/chatgate/commands/test_up
`book_server`."""
