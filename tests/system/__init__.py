"""Whole stacks as processes, with promises that need more than one of them: revocations, keys, workers,
secrets."""
