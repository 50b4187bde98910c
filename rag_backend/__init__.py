"""The reference backend: it reads a Docusaurus book, finds passages and answers from them.

It stands alone and imports nothing of the other packages, so that it can be replaced or copied.
"""
