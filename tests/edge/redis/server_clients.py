"""The clients that a server says it has."""

import asyncio
from collections.abc import Iterable

from tests.topologies.nodes import Node
from tests.valkey import PATIENT_S


async def are_blocked(servers: Iterable[Node], count: int) -> None:
    """Wait until so many clients wait for an element of a list."""
    async with asyncio.timeout(PATIENT_S):
        while sum(one.ask("INFO", "clients")["blocked_clients"] for one in servers) < count:  # noqa: ASYNC110 - seen by asking
            await asyncio.sleep(0)


def ids(node: Node) -> set[str]:
    with node.client() as client:
        return {one["id"] for one in client.client_list(_type="normal")}
