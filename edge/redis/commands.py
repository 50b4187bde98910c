"""The commands of a flight, and the errors of one."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from edge.unavailable import Unavailable

Argument = str | bytes | int

DEADLINE = 0.2
"""Default seconds for one flight, waiting for its pipeline and connecting included: an outage is answered in
300 ms."""


class StoreUnavailable(Unavailable):
    """Redis refused, was silent, slow, read-only or full. The caller must refuse, and allow nothing."""


class ScriptError(Exception):
    """A script of ours failed on the server: a defect, not an outage."""


@dataclass(frozen=True, slots=True)
class Script:
    """Lua source with its SHA-1, the name by which EVALSHA knows it."""

    source: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha", hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest())

    def call(self, keys: Sequence[str], *args: Argument) -> "Command":
        return Command(("EVALSHA", self.sha, len(keys), *keys, *args), self)


class Command(NamedTuple):
    """The error reply to one that `may_fail` is its caller's to judge, and fails no flight."""

    words: tuple[Argument, ...]
    script: Script | None = None
    may_fail: bool = False


def command(*words: Argument, may_fail: bool = False) -> Command:
    return Command(words, may_fail=may_fail)


# A write that changes nothing. WAIT covers the writes of its own connection only. Were TRACE left out, a
# script that finds its work done by another, whose WAIT fell short, would be acknowledged though no replica
# has it.
TRACE = Script("""
local left = redis.call('PTTL', KEYS[1])
if left > 0 then
  redis.call('PEXPIRE', KEYS[1], left)
elseif left == -1 then
  redis.call('PEXPIRE', KEYS[1], 1000)
  redis.call('PERSIST', KEYS[1])
else
  -- A full server takes SET from a script that has begun to write.
  redis.call('DEL', KEYS[1])
  redis.call('SET', KEYS[1], '')
  redis.call('DEL', KEYS[1])
end
""")
