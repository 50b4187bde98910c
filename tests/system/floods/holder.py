"""`python holder.py PORT COUNT ADDRESS PATH GROUP`: opens so many connections from one address, GROUP of them
at once, each with a body of which the end does not come, and says how often which status was heard. It ends
with its input."""

import asyncio
import json
import resource
import sys
from contextlib import suppress

A_SECOND = 700
HEAD = (
    b"POST %s HTTP/1.1\r\nHost: chat.example\r\nContent-Type: application/json\r\n"
    b"Content-Length: 65500\r\n\r\n"
)


async def hold(port: int, address: str, path: str) -> int | None:
    """The status that was heard, or None where the connection ended without one."""
    reader = None
    with suppress(OSError, asyncio.IncompleteReadError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
        writer.write(HEAD % path.encode() + b" " * 65_400)
        return int((await reader.readuntil(b"\r\n\r\n")).split()[1])
    return None


async def main(port: int, count: int, address: str, path: str, group: int) -> None:
    held = []
    for number in range(count):
        held.append(asyncio.create_task(hold(port, address, path)))
        await asyncio.sleep(0 if (number + 1) % group else group / A_SECOND)
    print("held", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    heard = [task.result() for task in held if task.done()]
    print(json.dumps({str(status): heard.count(status) for status in set(heard)}), flush=True)


if __name__ == "__main__":
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    port, count, address, path, group = sys.argv[1:]
    asyncio.run(main(int(port), int(count), address, path, int(group)))
