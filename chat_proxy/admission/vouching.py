"""Checks, for a session that a site's Better Auth server vouches for, that it has not ended there.

The record in Redis holds its name sealed, and the reader's token the key. Once a worker has opened the name
it keeps it, as it never changes: from a session's second question on, the check travels beside the admission.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from chat_proxy.gate import Caller
from edge.http import authorization
from edge.redis.client import Command
from edge.upstreams.session import Reference, UpstreamUnavailable
from edge.upstreams.site import SiteUpstream
from tokens import sealing

KEPT: Final = 10_000
"""Names that a worker keeps, each of some 300 bytes."""


class Check:
    """One check that is under way. `commands` are to travel with a flight to the service's own Redis; if
    there are none, the check travels by itself."""

    def __init__(self, site: SiteUpstream | None = None, reference: Reference | None = None) -> None:
        self.reference = reference
        self._site = site
        self.commands: Sequence[Command] = ()
        self._task: asyncio.Task[bool] | None = None
        if site is not None and reference is not None:
            self.commands = site.inline(reference)
            if not self.commands:
                self._task = asyncio.create_task(site.lives(reference))
                # If the flight fails first, no caller takes the result.
                self._task.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def lives(self, replies: Sequence[Any]) -> bool:
        """`replies` to `commands`. Raises UpstreamUnavailable."""
        if self._task is not None:
            return await self._task
        if self._site is not None and self.reference is not None:
            return await self._site.lives_by(replies, self.reference)
        return True

    async def lives_surely(self, replies: Sequence[Any]) -> bool | None:
        """As `lives`; None without a sure answer."""
        try:
            return await self.lives(replies)
        except UpstreamUnavailable:
            return None

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()


class Vouching:
    def __init__(self, by_site: Mapping[str, SiteUpstream]) -> None:
        self._by_site = by_site
        self._kept: OrderedDict[tuple[str, str], Reference] = OrderedDict()

    @contextmanager
    def beside(self, caller: Caller) -> Iterator[Check]:
        """A block in which the check is under way, if this worker knows the name of the caller's session."""
        site = self._by_site.get(caller.site.client_id)
        reference = None if caller.upk is None else self._kept.get((caller.sub, caller.sid))
        check = Check(site, reference)
        try:
            yield check
        finally:
            check.cancel()

    @contextmanager
    def again(self, asked: Sequence[tuple[Caller, Reference | None]]) -> Iterator[list[Check]]:
        """As `beside`, for running answers."""
        with ExitStack() as stack:
            checks = []
            for caller, reference in asked:
                check = Check(self._by_site.get(caller.site.client_id), reference)
                stack.callback(check.cancel)
                checks.append(check)
            yield checks

    async def settle(
        self, caller: Caller, sealed: bytes, check: Check, replies: Sequence[Any]
    ) -> Reference | None:
        """Judge a session whose record holds `sealed` (empty: no server vouches for it), by the replies to
        the commands of `check`. Raises Problem 401 and UpstreamUnavailable."""
        if not sealed:
            return None
        reference = check.reference
        if reference is None:
            # The session's first question at this worker costs one exchange more.
            reference = self._opened(caller, sealed.decode())
            lives = await self._by_site[caller.site.client_id].lives(reference)
        else:
            lives = await check.lives(replies)
        if not lives:
            raise authorization.invalid_token()
        return reference

    def _opened(self, caller: Caller, sealed: str) -> Reference:
        """Raises Problem 401 when the token's key does not open it, and when the site names no server any
        more."""
        content = None
        if caller.upk is not None and caller.site.client_id in self._by_site:
            content = sealing.unseal(sealing.key_of(caller.upk), sealed)
        if content is None:
            raise authorization.invalid_token()
        reference = Reference.of(content)
        self._kept[caller.sub, caller.sid] = reference
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return reference

    async def close(self) -> None:
        for one in self._by_site.values():
            await one.close()
