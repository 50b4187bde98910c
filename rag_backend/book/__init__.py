"""Reading a book's sources; the text is the same as on the built pages."""
