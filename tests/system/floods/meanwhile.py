"""How another reader is served while something goes on."""

import asyncio
import json
import sys
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from tests.system.stack import Reader, Stack

HERE = Path(__file__).parent


async def started(script: str, *args: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(HERE / script),
        *args,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )


async def tail(stack: Stack, reader: Reader, meanwhile: Awaitable[Any]) -> float:
    """The 99th percentile (s) of the reader's tokens while `meanwhile` goes on."""
    cookie = "; ".join(f"{name}={value}" for name, value in reader.http.cookies.items())
    process = await started("bystander.py", str(stack.ports["broker"]), cookie)
    await meanwhile
    told, _ = await process.communicate(b"")
    assert process.returncode == 0
    waited = sorted(json.loads(told))
    assert len(waited) > 100
    return waited[len(waited) * 99 // 100]
