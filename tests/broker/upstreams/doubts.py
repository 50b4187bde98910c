"""A reader while the site's Better Auth server gives no sure answer, and afterwards."""

from typing import Any

from edge.upstreams.failures import LOG_EVERY
from tests.broker.upstreams.stack import Reader, Stack, exchange
from tests.chat_proxy.waiting import until


async def unsure(stack: Stack, reader: Reader, token: str, logged: Any, key: str) -> None:
    """Checks that everything is refused for the moment, and that the log says what to mend."""
    logged.readouterr()
    # The failure before may have been logged a moment ago.
    stack.clock.ahead += LOG_EVERY
    for answer in (await exchange(stack.make(), token), await reader.refresh()):
        assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable"), answer.text
        assert answer.headers["retry-after"]
    for answer in (await reader.ask(), await reader.ask("GET", "/sessions")):
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
    text = "".join(logged.readouterr())
    assert "better_auth_unavailable" in text
    assert f"sites.docs.better_auth{key}" in text
    assert token not in text


async def sure(reader: Reader) -> None:
    """Sees that the reader goes on, by the tokens from before."""
    assert (await reader.ask()).status_code == 200
    assert (await reader.refresh()).status_code == 200


async def eventually(reader: Reader) -> None:
    """Sees that the reader goes on as soon as the server answers again."""

    async def answers() -> bool:
        return (await reader.ask()).status_code == 200

    await until(answers, 10)
    assert (await reader.refresh()).status_code == 200
