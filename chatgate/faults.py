"""The exception that ends a command with exit code 1."""


class Fault(Exception):
    """Its text is shown as it is: what is wrong, and what to do about it."""
