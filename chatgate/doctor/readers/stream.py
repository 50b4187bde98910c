"""A question by the event stream, with the times of its events; then the reader's conversation is deleted."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

import aiohttp
import orjson

from chatgate.doctor.client import ANSWER_WITHIN, Answer, Unreachable, headers_of, read
from chatgate.doctor.findings import Finding, found
from chatgate.doctor.readers import tokens
from chatgate.doctor.readers.prover import MOST_TRIES, Prover
from chatgate.doctor.readers.sign_in import Failed
from chatgate.doctor.services import metadata
from chatgate.doctor.services.headers import CHAT
from chatgate.doctor.services.service import Service, path_changed, unreachable

MESSAGE: Final = "Please say in a few sentences what this documentation is about."
MAX_STREAM: Final = 1_048_576
"""Bytes of an answer with its events; the proxy ends one at 256 KiB of text."""
SLOW: Final = 0.8
"""Seconds until the first event, from which on a stream can be told from one that was held."""
TOGETHER: Final = 0.15
"""The part of the whole time at its end: events that all come within it were held back."""
LEAST_EVENTS: Final = 4
_UNBUFFERED: Final = (
    "nginx: proxy_buffering off and no gzip for text/event-stream; Caddy: flush_interval -1 and no "
    "response_buffers; Traefik: no buffering middleware."
)


@dataclass(frozen=True, slots=True)
class Times:
    """The times of one answer, in seconds from the sending of the question."""

    events: int
    first: float
    last: float

    @property
    def can_tell(self) -> bool:
        return self.events >= LEAST_EVENTS and self.last >= SLOW


async def ask(
    prover: Prover, proxy: Service, broker: Service, token: str, clock: Callable[[], float]
) -> tuple[Times, list[Finding]]:
    """`clock` is monotonic seconds. Raises Failed where no answer came."""
    conversation = f"Doctor_{secrets.token_urlsafe(9)}"
    question = {"message": MESSAGE, "session_id": conversation, "mode": "normal"}
    body = orjson.dumps(question)
    try:
        for left in reversed(range(MOST_TRIES)):
            answered = await _once(prover, proxy, token, body, clock)
            if not isinstance(answered, Answer):
                times, findings = answered
                if all(one.code == "stream_buffered" for one in findings):
                    # Only a whole answer is kept as a conversation.
                    findings += await _forget(prover, proxy, token, conversation)
                return times, findings
            if not prover.hears(answered) or not left:
                raise Failed(await _refusal(prover, proxy, broker, token, answered))
    except Unreachable as error:
        raise Failed(unreachable(proxy, error)) from None
    raise AssertionError("the last try returns or raises")


async def _refusal(prover: Prover, proxy: Service, broker: Service, token: str, answer: Answer) -> Finding:
    if answer.status == 401:
        kids = await metadata.kids(prover.client, broker)
        return tokens.explain(answer, token, proxy, broker, kids)
    return _refused(answer)


async def _once(
    prover: Prover, proxy: Service, token: str, body: bytes, clock: Callable[[], float]
) -> tuple[Times, list[Finding]] | Answer:
    """The times of an answer, or the refusal of the question."""
    url, client = proxy.url + CHAT, prover.client
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
    sent_at = clock()
    async with client.opened(
        "POST", url, prover.headers("POST", url, token) | headers, body, ANSWER_WITHIN
    ) as response:
        if response.status != 200 or response.content_type != "text/event-stream":
            held, is_whole = await read(response)
            return Answer(url, response.status, headers_of(response), held, is_whole, client.now())
        return await _read(response, sent_at, clock)


async def _read(
    response: aiohttp.ClientResponse, sent_at: float, clock: Callable[[], float]
) -> tuple[Times, list[Finding]]:
    names: list[str] = []
    first = last = 0.0
    rest, size, failure = b"", 0, ""
    try:
        async for chunk in response.content.iter_any():
            now = clock() - sent_at
            size += len(chunk)
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if line.startswith(b"event: "):
                    names.append(line[7:].decode(errors="replace"))
                    first, last = first or now, now
                elif line.startswith(b"data: ") and names[-1:] == ["error"]:
                    failure = str(_members(line[6:]).get("code"))
            if size > MAX_STREAM:
                break
    except (aiohttp.ClientError, TimeoutError):
        pass
    times = Times(len(names), first, last)
    return times, _judge(response, names, times, failure)


def _judge(response: aiohttp.ClientResponse, names: list[str], times: Times, failure: str) -> list[Finding]:
    if failure:
        what = f"The answer ends with the error {failure} after {times.last:.1f} s."
        mend = "docs/http.md says what the code means; the chat proxy's log and the backend's say why."
        return [found("question_failed", what, mend)]
    if "done" not in names:
        what = f"The answer breaks off after {times.last:.1f} s and {times.events} events, without its end."
        mend = "nginx: proxy_read_timeout 150s; any other: no limit below 150 s for an answer."
        return [found("stream_cut", what, mend)]
    length = response.headers.get("Content-Length")
    if length is not None:
        what = f"The stream comes with its length ({length} bytes), so that something has held all of it."
        return [found("stream_buffered", what, _UNBUFFERED)]
    if times.can_tell and times.first >= SLOW and times.last - times.first < TOGETHER * times.last:
        what = (
            f"All {times.events} events came between {times.first:.2f} s and {times.last:.2f} s after the "
            "question: something holds the stream, or the backend writes nothing before its answer is whole."
        )
        return [found("stream_buffered", what, _UNBUFFERED)]
    return []


def _refused(answer: Answer) -> Finding:
    what = f"A question is answered with {answer.status} {answer.code}: {answer.detail or 'no explanation'}"
    if answer.status == 429:
        wait = answer.headers.get("Retry-After", "some")
        return found("limit_reached", what, f"Wait {wait} s, or use an account of a higher tier.")
    if answer.status == 200:
        what = f"A question for events is answered with {answer.media_type or 'no media type'}."
    request_id = answer.headers.get("X-Request-Id", "(none came)")
    return found("question_failed", what, f"The chat proxy's log, by the request id {request_id}.")


async def _forget(prover: Prover, proxy: Service, token: str, conversation: str) -> list[Finding]:
    """Delete the conversation: its path has letters of both cases, and its method is not POST."""
    url = urljoin(proxy.url, f"/sessions/{conversation}")
    answer = await prover.send("DELETE", url, token=token)
    if answer.status == 204:
        return []
    if answer.code in ("not_found", "invalid_session_id") or "htu" in answer.detail:
        return [path_changed(proxy, f"/sessions/{conversation}", f"answers {answer.status}")]
    what = f"DELETE /sessions/ID at the chat proxy is answered with {answer.status} {answer.code}".rstrip()
    return [found("method_blocked", f"{what}.", "Let the reverse proxy pass DELETE on.")]


def _members(data: bytes) -> dict[str, object]:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
