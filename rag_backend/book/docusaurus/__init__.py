"""A Docusaurus site: its configuration, versions and folders, and the paths of its documents. Their text is
read in `rag_backend.book`.
"""
