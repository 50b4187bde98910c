"""The failures that end an answer: a problem before its first byte, an `error` event after it."""

from dataclasses import dataclass
from typing import Final

from edge.http import authorization
from edge.http.problems import Problem


@dataclass(frozen=True, slots=True)
class Failure:
    """With `cuts` the connection is closed in the middle, so that no client takes the answer for a whole
    one."""

    status: int
    code: str
    message: str
    retry_after: int | None = None
    cuts: bool = False

    def problem(self) -> Problem:
        if self is SESSION_ENDED:
            return authorization.invalid_token()
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        if self is SHUTTING_DOWN:
            headers["Connection"] = "close"
        return Problem(self.status, self.code, self.message, headers)


class Failed(Exception):
    """Carries a Failure to the code that answers it."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.code)
        self.failure = failure


BAD_BACKEND: Final = Failure(502, "bad_backend", "The answering service failed. Try again.")
BACKEND_BUSY: Final = Failure(
    503, "backend_busy", "The answering service takes no question just now. Try again later.", 10
)
TORN: Final = Failure(502, "bad_backend", "The answer broke off. Try again.", cuts=True)
BACKEND_TIMEOUT: Final = Failure(504, "backend_timeout", "The answering service did not answer in time.")
ANSWER_TIMEOUT: Final = Failure(504, "answer_timeout", "The answer took too long.")
ANSWER_TOO_LARGE: Final = Failure(502, "answer_too_large", "The answer is longer than is allowed.")
SESSION_ENDED: Final = Failure(401, "session_ended", "The session has ended. Sign in again.")
UNSURE: Final = Failure(
    503, "temporarily_unavailable", "Sessions cannot be checked at the moment. Try again shortly.", 1
)
SHUTTING_DOWN: Final = Failure(503, "shutting_down", "The service is restarting. Try again shortly.", 2)
READER_GONE: Final = Failure(499, "reader_gone", "The reader has left.", cuts=True)
