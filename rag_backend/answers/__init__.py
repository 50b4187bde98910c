"""Answers to a question: by quoting the book or by a language model."""
