"""Rating an answer as a page does, and what is then seen of it."""

from typing import Any

import httpx

from chat_proxy.conversations.feedback import Entry, Feedback
from tests.chat_proxy.service import Service


async def asked(service: Service, bearer: str, message: str = "What is this?", **members: Any) -> str:
    """The id of the answer."""
    answer = await service.ask(bearer, message, session_id="c1", **members)
    assert answer.status_code == 200
    return answer.json()["message_id"]


async def rate(
    service: Service, bearer: str, message_id: str, rating: str | None = "helpful", session_id: str = "c1"
) -> httpx.Response:
    body = {"message_id": message_id, "rating": rating}
    headers = service.headers(bearer)
    return await service.client.post(f"/sessions/{session_id}/feedback", json=body, headers=headers)


async def rated(service: Service, bearer: str, message_id: str, rating: str | None = "helpful") -> None:
    answer = await rate(service, bearer, message_id, rating)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["cache-control"] == "no-store"


async def messages(service: Service, bearer: str) -> list[dict[str, Any]]:
    answer = await service.client.get("/sessions/c1", headers=service.headers(bearer))
    return answer.json()["messages"]


async def entries(service: Service, site: str = "docs") -> list[Entry]:
    return [one async for one in Feedback(service.store).entries(site)]


def counted(service: Service, name: str = "chatgate_feedback_total") -> dict[tuple[str, ...], float]:
    _, values = service.metrics.snapshot()[name]
    return {labels: number for labels, [number] in values.items()}
