"""Answers under way: their ends, their leases, their responses to the reader, and draining."""
