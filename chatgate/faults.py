"""The exceptions that end a command, each with its exit code."""

from typing import ClassVar


class Fault(Exception):
    """Its text is shown as it is: what is wrong, and what to do about it."""

    exit_code: ClassVar[int] = 1


class NoStack(Fault):
    """The working folder has no data, and no setting names it: the command is run in the wrong place."""

    exit_code = 2
