"""The book that the tests of the page read."""

from dataclasses import dataclass
from pathlib import Path

from tests.browser.servers import Answer, Server

SITE = Path(__file__).parent / "site"
BASE = "/my-book/"


@dataclass
class Book:
    """A site under a path of its origin; `pages` are its pages, by their paths below it."""

    served: Server

    @property
    def url(self) -> str:
        return self.served.url + BASE

    def serve(self, path: str, body: str, media_type: str = "text/html", **headers: str) -> None:
        self.served.answers[BASE + path] = lambda _: Answer(body, media_type, headers=headers)
