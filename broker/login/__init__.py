"""The ways to prove an identity, and the pages for it in every language."""
