"""Readers with several devices and at several sites."""

from collections.abc import Callable

import httpx

from tests.broker.service import OTHER_SITE, sign_in, sign_up

Make = Callable[..., httpx.AsyncClient]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def two_devices(make: Make, page: httpx.AsyncClient) -> tuple[httpx.AsyncClient, str]:
    """One account that is signed in on `page` and on another device: that device, and its raw token."""
    await sign_up(page, "ada@example.com")
    other = make()
    answer = await sign_in(other, "ada@example.com")
    return other, answer.json()["token"]


async def two_sites(make: Make, page: httpx.AsyncClient) -> tuple[httpx.AsyncClient, httpx.AsyncClient]:
    """One account that is signed in on `page`, on another device at the same site, and at another site."""
    here, _ = await two_devices(make, page)
    there = make(OTHER_SITE)
    assert (await sign_in(there, "ada@example.com")).status_code == 200
    return here, there
