"""The words of a text by its language: stems, stop words, compounds, synonyms, and how common a word is.

Nothing here knows of passages, of an index or of a question; the parent does.
"""
