"""A real chatkit-python server over memory, whose answers a test scripts."""

import itertools
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError, Store
from chatkit.types import (
    Annotation,
    AssistantMessageContent,
    AssistantMessageContentPartAdded,
    AssistantMessageContentPartAnnotationAdded,
    AssistantMessageContentPartDone,
    AssistantMessageContentPartTextDelta,
    AssistantMessageItem,
    NoticeEvent,
    Page,
    ProgressUpdateEvent,
    ThreadItem,
    ThreadItemAddedEvent,
    ThreadItemDoneEvent,
    ThreadItemUpdatedEvent,
    ThreadMetadata,
    ThreadStreamEvent,
    URLSource,
    UserMessageItem,
)
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route


class Memory(Store[Any]):
    def __init__(self) -> None:
        self.threads: dict[str, ThreadMetadata] = {}
        self.items: dict[str, list[ThreadItem]] = {}

    async def load_thread(self, thread_id: str, context: Any) -> ThreadMetadata:
        if thread_id not in self.threads:
            raise NotFoundError(thread_id)
        return self.threads[thread_id]

    async def save_thread(self, thread: ThreadMetadata, context: Any) -> None:
        self.threads[thread.id] = thread

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: Any
    ) -> Page[ThreadItem]:
        found = self.items.get(thread_id, [])
        return Page(data=(found if order == "asc" else found[::-1])[:limit])

    async def add_thread_item(self, thread_id: str, item: ThreadItem, context: Any) -> None:
        self.items.setdefault(thread_id, []).append(item)

    async def save_item(self, thread_id: str, item: ThreadItem, context: Any) -> None:
        items = [one for one in self.items.get(thread_id, []) if one.id != item.id]
        self.items[thread_id] = [*items, item]

    async def load_item(self, thread_id: str, item_id: str, context: Any) -> ThreadItem:
        return next(one for one in self.items[thread_id] if one.id == item_id)

    async def load_threads(
        self, limit: int, after: str | None, order: str, context: Any
    ) -> Page[ThreadMetadata]:
        return Page(data=list(self.threads.values()))

    async def delete_thread(self, thread_id: str, context: Any) -> None:
        del self.threads[thread_id]

    async def delete_thread_item(self, thread_id: str, item_id: str, context: Any) -> None:
        self.items[thread_id] = [one for one in self.items[thread_id] if one.id != item_id]

    async def _keep_none(self, attachment: Any, context: Any) -> Any:
        raise LookupError("this store keeps no attachments")

    save_attachment = load_attachment = delete_attachment = _keep_none  # type: ignore[assignment]  # other arguments


def source(url: str = "https://docs.example.org/intro") -> Annotation:
    return Annotation(source=URLSource(url=url, title="Intro", description="Hi"), index=3)


class Server(ChatKitServer[Any]):
    """`received` has the bodies that were sent, `heard` the messages as they reach `respond`."""

    def __init__(self) -> None:
        super().__init__(Memory())
        self.received: list[bytes] = []
        self.heard: list[tuple[str, UserMessageItem | None]] = []
        self.headers: list[Headers] = []
        self.behaviour: Callable[[AssistantMessageItem], AsyncIterator[ThreadStreamEvent]] = streamed
        self._ids = itertools.count(1)

    async def respond(
        self, thread: ThreadMetadata, input_user_message: UserMessageItem | None, context: Any
    ) -> AsyncIterator[ThreadStreamEvent]:
        self.heard.append((thread.id, input_user_message))
        item = AssistantMessageItem(
            id=f"msg_{next(self._ids)}", thread_id=thread.id, created_at=datetime.now(UTC), content=[]
        )
        async for event in self.behaviour(item):
            yield event

    @property
    def app(self) -> Starlette:
        async def answer(request: Request) -> StreamingResponse:
            body = await request.body()
            self.received.append(body)
            self.headers.append(request.headers)
            result = await self.process(body, {})
            assert isinstance(result, StreamingResult)
            return StreamingResponse(result, media_type="text/event-stream")

        return Starlette(routes=[Route("/chatkit", answer, methods=["POST"])])


async def streamed(item: AssistantMessageItem) -> AsyncIterator[ThreadStreamEvent]:
    """An answer in pieces, as the SDK's helpers for agents stream one."""
    yield ProgressUpdateEvent(text="Searching")
    yield ThreadItemAddedEvent(item=item)
    part = {"content_index": 0}
    for update in (
        AssistantMessageContentPartAdded(content=AssistantMessageContent(text=""), **part),
        AssistantMessageContentPartTextDelta(delta="Hello ", **part),
        AssistantMessageContentPartTextDelta(delta="reader.", **part),
        AssistantMessageContentPartAnnotationAdded(annotation=source(), annotation_index=0, **part),
        AssistantMessageContentPartDone(
            content=AssistantMessageContent(text="Hello reader.", annotations=[source()]), **part
        ),
    ):
        yield ThreadItemUpdatedEvent(item_id=item.id, update=update)
    whole = AssistantMessageContent(text="Hello reader.", annotations=[source()])
    yield ThreadItemDoneEvent(item=item.model_copy(update={"content": [whole]}))


async def at_once(item: AssistantMessageItem) -> AsyncIterator[ThreadStreamEvent]:
    """A message that comes whole, in two parts, as hand-written servers send it."""
    yield NoticeEvent(level="info", message="A notice.")
    contents = [
        AssistantMessageContent(text="Hello.", annotations=[source(), source("javascript:x")]),
        AssistantMessageContent(text="Bye."),
    ]
    yield ThreadItemDoneEvent(item=item.model_copy(update={"content": contents}))


async def silent(item: AssistantMessageItem) -> AsyncIterator[ThreadStreamEvent]:
    yield ProgressUpdateEvent(text="Nothing")


async def failing(item: AssistantMessageItem) -> AsyncIterator[ThreadStreamEvent]:
    yield ThreadItemAddedEvent(item=item)
    raise RuntimeError("canary")
