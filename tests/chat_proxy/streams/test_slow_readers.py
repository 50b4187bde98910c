"""Readers who take longer to read an answer than its backend took to give it."""

import asyncio
import json
import socket
from urllib.parse import urlsplit

from chat_proxy.chat import LAST_WORDS

WORDS = 1_500
"""So many that a system passes them on in one piece, which the proxy takes in one."""
ONE = b'event: delta\ndata: {"text":"word"}\n\n'
DONE = b"event: done\ndata: {}\n\n"


async def test_a_reader_who_is_slow_gets_the_end_of_a_whole_answer(service):
    async def answer_at_once(peer):
        await peer.head()
        await peer.chunk(ONE * WORDS + DONE)
        await peer.end()

    service.backend.behaviour = answer_at_once
    # In this dialect a chunk of a word takes five times the bytes that it has from the backend.
    body = json.dumps(
        {"model": "main", "stream": True, "messages": [{"role": "user", "content": "Why?"}]}
    ).encode()
    head = "".join(
        f"{name}: {value}\r\n"
        for name, value in {
            "Host": "proxy",
            **service.headers(await service.sign_in()),
            "Content-Type": "application/json",
            "Content-Length": len(body),
            "Connection": "close",
        }.items()
    )
    with socket.socket() as client:
        # As little as can be, so that the answer waits in the proxy and not in the system's buffers.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1460)
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, ("127.0.0.1", urlsplit(service.url).port))
        await loop.sock_sendall(client, f"POST /v1/chat/completions HTTP/1.1\r\n{head}\r\n".encode() + body)
        beginning = await loop.sock_recv(client, 1000)
        # The reader's own pause is under test: longer than the last event of a cut answer may wait.
        await asyncio.sleep(LAST_WORDS + 0.5)
        answer = bytearray(beginning)
        while piece := await loop.sock_recv(client, 65_536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.count(b'"content":"word"') == WORDS
    assert answer.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n"), answer[-200:]
