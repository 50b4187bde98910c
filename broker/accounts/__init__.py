"""Accounts and their passwords: rules, hashes and the bounded pool that computes them.

The tables are in `broker.storage`.
"""
