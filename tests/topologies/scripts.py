"""The scripts that are called while a test runs, and the slots of their keys."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from redis.crc import key_slot

from edge.redis.commands import Script


@contextlib.contextmanager
def recorded_scripts(*, have_one_slot: bool) -> Iterator[set[str]]:
    """The names (SHA-1) of the scripts that are called meanwhile, each of which may have to have keys of one
    slot."""
    called = set()
    call = Script.call

    def recorded(script: Script, keys: Sequence[str], *args: Any) -> Any:
        called.add(script.sha)
        assert not have_one_slot or len({key_slot(key.encode()) for key in keys}) == 1, keys
        return call(script, keys, *args)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Script, "call", recorded)
        yield called
