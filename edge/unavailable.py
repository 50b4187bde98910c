"""The error that every part of a service raises when a dependency gave no sure answer."""


class Unavailable(Exception):
    """A dependency refused, was silent or slow. The caller must not allow anything: the answer is a 503."""
