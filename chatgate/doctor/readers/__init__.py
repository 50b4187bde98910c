"""Looks that take a reader: the sign-in, the question, and the reasons for a refused token."""
