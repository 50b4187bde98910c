"""A server between a client and Redis that cuts the replies into pieces."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


async def _piece_by_piece(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, size: int) -> None:
    while data := await reader.read(65536):
        for at in range(0, len(data), size):
            writer.write(data[at : at + size])
            await writer.drain()
            # The other side's loop turns between two pieces.
            await asyncio.sleep(0)
    writer.close()


@asynccontextmanager
async def relay(socket: str, path: str, size: int, *, first: bytes = b"") -> AsyncIterator[str]:
    """A server at `path` that passes on what the one at `socket` sends, in pieces of `size` bytes, and sends
    `first` before the reply to a PING."""

    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        there, to_there = await asyncio.open_unix_connection(socket)
        back = asyncio.create_task(_piece_by_piece(there, writer, size))
        try:
            while data := await reader.read(65536):
                if first and b"PING" in data:
                    writer.write(first)
                to_there.write(data)
        finally:
            back.cancel()
            to_there.close()
            writer.close()
            await asyncio.gather(back, return_exceptions=True)

    server = await asyncio.start_unix_server(serve, path)
    try:
        yield f"unix://{path}"
    finally:
        server.close()
        # Each ends with the connection of its client.
        await asyncio.gather(*serving, return_exceptions=True)
