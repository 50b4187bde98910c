"""The metrics of a service, as a scraper reads them."""

import asyncio
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.trust import TRUST


def told(port: int) -> dict[tuple[str, ...], float]:
    """Samples by name, and name and labels."""
    answer = httpx.get(f"http://127.0.0.1:{port}/metrics", verify=TRUST)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def ask(service: Any, bearer: str, count: int) -> list[int]:
    """On as many connections."""
    async with httpx.AsyncClient(base_url=service.url, trust_env=False, verify=TRUST) as client:
        body = {"message": "What is this?", "mode": "normal"}
        answers = await asyncio.gather(
            *(client.post("/chat", json=body, headers=service.headers(bearer)) for _ in range(count))
        )
    return [answer.status_code for answer in answers]
