"""A probe of a backend: ask whether it is ready, then send one signed question as the chat proxy would."""

import errno
import time
from typing import Final

import aiohttp
import orjson

from chat_proxy.backends.dialect import Asked
from chat_proxy.backends.table import DIALECTS
from chat_proxy.config import Backend
from chat_proxy.questions.messages import Question
from chatgate.stack.log_lines import harmless

MAX_PROBLEM: Final = 65_536
MAX_DETAIL: Final = 300
"""Characters of another program's message, which must fit under a table."""
# The question is about a selected text, so that any index and any model can answer it.
_QUESTION: Final = Question("What does this say?", "selection_only", None, "The proxy reaches its backend.")


async def unready(session: aiohttp.ClientSession, url: str) -> str | None:
    """The fault that `/readyz` reports, or None. A backend of another make may have no such page, which is no
    fault."""
    ready = f"{url.rstrip('/')}/readyz"
    try:
        async with session.get(ready, allow_redirects=False) as answer:
            if answer.status in (200, 404):
                return None
            return f"{ready} answers {answer.status}{await _detail(answer)}"
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return f"{ready} does not answer{_why(error, 'Check the address and that it is up.')}"


async def refusal(session: aiohttp.ClientSession, backend: Backend) -> str | None:
    """The reason why the backend refuses a question signed as the proxy signs it, or None. The probe does not
    wait for the answer's body."""
    asked = DIALECTS[backend.kind].request(backend, Asked(_QUESTION), live=True, now=time.time())
    patience = aiohttp.ClientTimeout(total=backend.first_byte_seconds)
    try:
        async with session.post(
            backend.url, data=asked.body, headers=asked.headers, timeout=patience, allow_redirects=False
        ) as answer:
            return await _refused(answer, backend)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return f"{backend.url} does not answer a question{_why(error, 'Look at its log.')}"


def _why(error: Exception, mend: str) -> str:
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.errno == errno.ECONNREFUSED:
        return ": nothing listens at that address. Check the address and that it is up."
    return f" ({type(error).__name__}). {mend}"


async def _refused(answer: aiohttp.ClientResponse, backend: Backend) -> str | None:
    if answer.status == 200:
        return None
    if answer.status == 401 and backend.kind == "openai":
        return f"{backend.url} refuses our key. Correct backends.{backend.name}.key."
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
