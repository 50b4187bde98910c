"""The backend that the proxy forwards to in a measurement: it answers at once, or with numbered events.

`python -m bench.backend PORT`. If the client accepts events, a message with `events=N` is answered by N of
them, EVENTS_A_SECOND per second from the request on, or `pace=N` per second; each carries its number and the
time at which it was sent. A request to a path of OpenAI's chat completions gets the same words in that
dialect.
"""

import asyncio
import json
import re
import sys
import time
from typing import Final, cast

import uvloop

EVENTS_A_SECOND: Final = 20
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_EVENTS = re.compile(rb"events=(\d+)")
_PACE = re.compile(rb"pace=(\d+)")
_TEXT: Final = "The station records a value every ten minutes, day and night."
_ANSWER = json.dumps(
    {
        "response": _TEXT,
        "citations": [{"title": "Recording", "url": "/recording", "quote": "every ten minutes"}],
    }
).encode()
_COMPLETION = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "any",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": _TEXT}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 9, "completion_tokens": 12, "total_tokens": 21},
    }
).encode()


def _whole(answer: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % len(answer) + answer


_PLAIN: Final = _whole(_ANSWER)
_COMPLETED: Final = _whole(_COMPLETION)
_STREAM_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)


class Backend(asyncio.Protocol):
    def __init__(self) -> None:
        self._rest = b""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the methods of asyncio's, but not their class.
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._rest += data
        head, mark, body = self._rest.partition(b"\r\n\r\n")
        if not mark:
            return
        found = _LENGTH.search(head)
        length = int(found[1]) if found else 0
        if len(body) < length:
            return
        self._rest = b""
        if head.startswith(b"GET "):
            self._transport.write(_PLAIN)
        elif b"/chat/completions " in head.partition(b"\r\n")[0]:
            self._transport.write(_COMPLETED)
        elif b"text/event-stream" in head:
            wanted = _EVENTS.search(body)
            pace = _PACE.search(body)
            self._begin(int(wanted[1]) if wanted else 1, int(pace[1]) if pace else EVENTS_A_SECOND)
        else:
            self._transport.write(_PLAIN)

    def _begin(self, count: int, pace: int) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        first = _STREAM_HEAD + _chunk(b"event: start\ndata: {}\n\n")

        def send(number: int, before: bytes = b"") -> None:
            if number < count:
                text = f"{number} {time.monotonic():.6f} "
                self._transport.write(
                    before + _chunk(b'event: delta\ndata: {"text": "%s"}\n\n' % text.encode())
                )
                # The due time counts from the beginning, so that a late event does not delay the next ones.
                due = began + (number + 1) / pace
                self._timer = loop.call_at(due, send, number + 1)
            else:
                self._transport.write(_chunk(b"event: done\ndata: {}\n\n") + b"0\r\n\r\n")

        send(0, first)


def _chunk(event: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(event), event)


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Backend, "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
