"""Redis keys of a deleted account, except those that docs/redis-keys.md leaves to expire."""

import re
from pathlib import Path
from typing import Final

from redis.asyncio import Redis

PAGE: Final = Path(__file__).parents[2] / "docs" / "redis-keys.md"
_ROW: Final = re.compile(r"\| `(cg:[^`]+)` \|[^|]*\|[^|]*\| ([^|]+) \|")
POINTERS: Final = "cg:st:*"


def left_to_expire(page: str, sub: str) -> list[re.Pattern[str]]:
    """Patterns of the page's names for the keys of the user `sub` that no service deletes."""
    found = []
    for name, deleted_by in _ROW.findall(page):
        if name.startswith("cg:{<sub>}") and deleted_by == "No event":
            parts = [re.escape(part) for part in re.split(r"<[a-z ]+>", name.replace("<sub>", sub, 1))]
            found.append(re.compile("[^:]+".join(parts)))
    return found


async def leftovers(store: "Redis", sub: str) -> list[str]:
    """Names of keys of the user `sub` that should be gone."""
    expire = left_to_expire(PAGE.read_text(encoding="utf-8"), sub)
    own = [name async for name in store.scan_iter(match=f"cg:{{{sub}}}:*", count=1_000)]
    names = [name.decode() for name in own]
    pointers = [name async for name in store.scan_iter(match=POINTERS, count=1_000)]
    values = await store.mget(pointers) if pointers else []
    names += [
        name.decode()
        for name, value in zip(pointers, values, strict=True)
        if isinstance(value, bytes) and value.startswith(f"{sub}:".encode())
    ]
    return sorted(name for name in names if not any(one.fullmatch(name) for one in expire))
