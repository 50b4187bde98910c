"""The routes of conversations, as a page asks them."""

import httpx

from tests.chat_proxy.service import Service
from tests.chat_proxy.tokens import SUB
from tokens import readers

READER = readers.reader(SUB, "docs")


async def listed(service: Service, bearer: str) -> list[str]:
    answer = await service.client.get("/sessions", headers=service.headers(bearer))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    return [one["session_id"] for one in answer.json()["sessions"]]


async def read(service: Service, bearer: str, session_id: str) -> httpx.Response:
    return await service.client.get(f"/sessions/{session_id}", headers=service.headers(bearer))


async def delete(service: Service, bearer: str, session_id: str) -> httpx.Response:
    return await service.client.delete(f"/sessions/{session_id}", headers=service.headers(bearer))
