"""How another reader is served while something goes on."""

import asyncio
import json
import sys
from pathlib import Path

HERE = Path(__file__).parent


async def started(script, *args):
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(HERE / script),
        *args,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )


async def tail(stack, reader, meanwhile):
    """The 99th percentile (s) of the reader's tokens while `meanwhile` goes on."""
    cookie = "; ".join(f"{name}={value}" for name, value in reader.http.cookies.items())
    process = await started("bystander.py", str(stack.ports["broker"]), cookie)
    await meanwhile
    told, _ = await process.communicate(b"")
    assert process.returncode == 0
    waited = sorted(json.loads(told))
    assert len(waited) > 100
    return waited[len(waited) * 99 // 100]
