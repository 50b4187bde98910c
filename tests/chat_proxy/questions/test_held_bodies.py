"""A body that is held back until the token of its head is over."""

import asyncio
import json
import time
from urllib.parse import urlsplit

import pytest

from tests.chat_proxy.service import running
from tokens.verify import LEEWAY


@pytest.mark.parametrize(("late", "status"), [(LEEWAY - 2, 200), (LEEWAY + 1, 401)])
async def test_a_token_is_looked_at_again_when_the_body_is_there(valkey, tmp_path, late, status):
    now = [time.time()]
    async with running(valkey, tmp_path, now=lambda: now[0]) as service:
        bearer = await service.sign_in()
        address = urlsplit(service.url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        body = json.dumps({"message": "What is this?"}).encode()
        head = (
            f"POST /chat HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {bearer}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + body[:5])
        await writer.drain()
        # Answered after the head before it was read, as both are of one loop.
        assert (await service.client.get("/healthz")).status_code == 200
        now[0] += 300 + late
        writer.write(body[5:])
        answer = await asyncio.wait_for(reader.read(), 10)
        assert int(answer.split(b" ")[1]) == status, answer
        assert len(service.backend.received) == (status == 200)
        writer.close()
