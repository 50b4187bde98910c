"""Whole services under many, slow or costly requests: the cost for their senders, and for other readers."""
