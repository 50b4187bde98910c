"""A JWT that is good for longer than a sign-out at its server is remembered."""

import time

import pytest

from broker.oauth.grants import better_auth
from broker.sessions.session import LIFE_MS
from tests.broker.upstreams.stack import exchange, standing
from tests.broker.upstreams.webhooks import WEBHOOK_SECRET
from tests.chat_proxy.tokens import Publisher
from tests.tokens.signing import sign

DAY = 86_400
USER = "o" * 32


@pytest.fixture
async def there():
    """The keys of a server whose JWTs the tests sign."""
    publisher = Publisher()
    await publisher.start()
    yield publisher.url.removesuffix("/jwks")
    await publisher.stop()


@pytest.mark.parametrize(
    ("tells_of_ends", "age", "status"),
    [(True, LIFE_MS // 1000 - DAY, 200), (True, LIFE_MS // 1000, 400), (False, LIFE_MS // 1000, 200)],
    ids=["within the time", "from before", "from before, of a server that tells of no end"],
)
async def test_a_jwt_may_be_as_old_as_a_sign_out_is_remembered(
    redis, tmp_path, there, tells_of_ends, age, status
):
    table = f'upstream = "jwt"\nurl = "{there}"\n'
    if tells_of_ends:
        table += f'webhook_secret = "{WEBHOOK_SECRET}"\n'
    async with standing(redis, tmp_path, table) as stack:
        now = int(time.time())
        claims = {"iss": there, "aud": there, "sub": USER, "iat": now - age, "exp": now + DAY}
        token = sign({**claims, "emailVerified": True}, {"alg": "ES256", "kid": "k1", "typ": "JWT"})
        assert (await exchange(stack.make(), token, better_auth.JWT)).status_code == status
