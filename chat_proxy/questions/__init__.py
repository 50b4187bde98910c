"""From the body of a request to a checked question."""
