"""Skips a test whose means are missing on a developer's machine; CI has the means, or has to get them."""

import os
from typing import NoReturn

import pytest


class NotInstalledError(Exception):
    """Packages that a lock names could not be had, or what installs them; the message says which."""


def cannot(reason: str) -> NoReturn:
    """Skips the running test, and in CI fails it."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
