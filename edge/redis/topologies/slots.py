"""Finds the slot, and so the master of a Cluster, that a command belongs to (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from edge.redis.commands import Command
from edge.redis.topologies.addresses import Pattern

_KEYLESS: Final = frozenset({"ASKING", "CONFIG", "INFO", "PING", "PUBLISH", "ROLE", "SCRIPT", "TIME", "WAIT"})
_READING: Final = frozenset({"EXISTS", "GET", "HGETALL", "HMGET", "LRANGE"})


@dataclass(slots=True)
class SlotMap:
    """The URL of each slot's master, empty where there is none; `rank` orders the maps of several nodes."""

    masters: list[str]
    rank: tuple[bool, int]

    def urls(self) -> set[str]:
        return {url for url in self.masters if url}


def read(asked: str, info: bytes | str, ranges: Sequence[Sequence[Any]], pattern: Pattern) -> SlotMap:
    """The map in the replies of CLUSTER INFO and CLUSTER SLOTS of the node at the URL `asked`."""
    masters = [""] * REDIS_CLUSTER_HASH_SLOTS
    for first, last, (host, port, *_), *_ in ranges:
        url = pattern.at(_text(host) or host_of(asked), int(port))
        masters[int(first) : int(last) + 1] = [url] * (int(last) - int(first) + 1)
    state = dict(line.split(":", 1) for line in _text(info).split() if ":" in line)
    # A node that was cut off from the majority says `fail` once it notices, and its epoch does not rise.
    return SlotMap(masters, (state.get("cluster_state") == "ok", int(state.get("cluster_current_epoch", 0))))


def only_reads(command: Command) -> bool:
    """Return True for a known reading command, which no replica has to acknowledge; any other may write."""
    return command.words[0] in _READING


def host_of(url: str) -> str:
    """The host to use for a node that names none: it means the host under which it was asked."""
    return urlsplit(url).hostname or ""


def slot_of(command: Command) -> int | None:
    """The slot of the command's keys; None for a command without a key, which any master may run."""
    key = key_of(command)
    return None if key is None else key_slot(key.encode())


def key_of(command: Command) -> str | None:
    """The first of the command's keys, which all are of one slot; None if it has no key."""
    words = command.words
    at = 1
    if words[0] == "EVALSHA":
        at = 3 if words[2] else 0
    elif words[0] in _KEYLESS:
        at = 0
    if not at:
        return None
    key = words[at]
    return key.decode() if isinstance(key, bytes) else str(key)


def _text(value: bytes | str | None) -> str:
    if value is None or value in (b"?", "?"):
        return ""
    return value.decode() if isinstance(value, bytes) else value
