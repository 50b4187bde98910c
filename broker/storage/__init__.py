"""The stores of accounts, sessions, codes, keys and limits, as Redis scripts and SQL."""
