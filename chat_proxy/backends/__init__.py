"""Asking a backend: the HTTP client, one file for each dialect, and the table of dialects."""
