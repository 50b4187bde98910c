"""What a flight carries, and how it can fail."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

Argument = str | bytes | int


class StoreUnavailable(Exception):
    """Redis refused, was silent, slow, read-only or full. Nothing may be allowed because of it."""


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


@dataclass(frozen=True, slots=True)
class Command:
    words: tuple[Argument, ...]
    script: Script | None = None


def command(*words: Argument) -> Command:
    return Command(words)


# A write that changes nothing. WAIT speaks of what its own connection wrote, so a script that finds its work
# done by another, whose WAIT fell short, would be acknowledged though no replica has any of it.
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
