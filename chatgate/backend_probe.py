"""Whether a backend would answer the chat proxy: it is asked if it is ready, then one signed question."""

import time
from typing import Final

import aiohttp
import orjson

from chat_proxy.backends import native
from chat_proxy.config import Backend
from chat_proxy.messages import Question
from chat_proxy.proof import internal_token
from chatgate.log_lines import harmless

MAX_PROBLEM: Final = 65_536
MAX_DETAIL: Final = 300
"""Characters of another program's words, which are to fit under a table."""
# About a text that comes with it, so that it is answered from any index and by any model.
_QUESTION: Final = Question("What does this say?", "selection_only", None, "The proxy reaches its backend.")


async def unready(session: aiohttp.ClientSession, url: str) -> str | None:
    """What `/readyz` has against it. One of another make may have no such page, which is no fault."""
    ready = f"{url.rstrip('/')}/readyz"
    try:
        async with session.get(ready, allow_redirects=False) as answer:
            if answer.status in (200, 404):
                return None
            return f"{ready} answers {answer.status}{await _detail(answer)}"
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return f"{ready} does not answer ({type(error).__name__}). Check the address and that it is up."


async def refusal(session: aiohttp.ClientSession, backend: Backend) -> str | None:
    """What it has against a question that is proved as the proxy proves it. Its answer is not waited for."""
    body = native.body(_QUESTION, [])
    headers = {
        "Authorization": f"Bearer {internal_token(backend, body, time.time())}",
        "Content-Type": native.JSON,
        "Accept": native.EVENT_STREAM,
    }
    patience = aiohttp.ClientTimeout(total=backend.first_byte_seconds)
    try:
        async with session.post(
            backend.url, data=body, headers=headers, timeout=patience, allow_redirects=False
        ) as answer:
            return await _refused(answer, backend)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return f"{backend.url} does not answer a question ({type(error).__name__}). Look at its log."


async def _refused(answer: aiohttp.ClientResponse, backend: Backend) -> str | None:
    if answer.status == 200:
        return None
    if answer.status == 401:
        return (
            f"{backend.url} refuses our secret. Give both sides the same one (backends.{backend.name}.secret "
            f"here, CHATGATE_BACKEND_SECRET_FILE there), the audience {backend.audience}, and the right time."
        )
    return f"{backend.url} answers {answer.status} to a question{await _detail(answer)}"


async def _detail(answer: aiohttp.ClientResponse) -> str:
    try:
        problem = orjson.loads(await answer.content.read(MAX_PROBLEM))
    except orjson.JSONDecodeError:
        problem = None
    detail = problem.get("detail") if isinstance(problem, dict) else None
    return f": {harmless(detail[:MAX_DETAIL])}" if isinstance(detail, str) else ". Look at its log."
