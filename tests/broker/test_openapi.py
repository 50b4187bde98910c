"""Every documented operation under generated requests: none is answered with a 5xx."""

import asyncio

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.core.result import Err, Ok

from broker.app import create_api, create_app
from tests.asgi import client_of, running
from tests.broker.service import ISSUER, SITE

EXAMPLES = 12
"""A documented operation; the whole takes a few seconds."""


async def test_no_generated_request_is_answered_with_a_5xx(config):
    document = create_api(config, now=lambda: 0.0, clock=lambda: 0.0).openapi()
    assert {"/auth/token", "/oauth2/token", "/login", "/.well-known/jwks.json"} <= document["paths"].keys()
    schema = schemathesis.openapi.from_dict(document)
    found = list(schema.get_all_operations())
    assert not any(isinstance(one, Err) for one in found)
    operations = [one.ok() for one in found if isinstance(one, Ok)]
    assert len(operations) > 20
    async with running(create_app(config)) as app, client_of(app, ISSUER, headers={"Origin": SITE}) as page:
        loop = asyncio.get_running_loop()

        def ask(case):
            sent = case.as_transport_kwargs(base_url=ISSUER)
            sent.pop("cookies", None)
            request = page.request(**sent)
            return asyncio.run_coroutine_threadsafe(request, loop).result(10)

        for operation in operations:
            checked = settings(
                max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
            )

            @checked
            @given(case=operation.as_strategy())
            def check(case):
                assert ask(case).status_code < 500

            await asyncio.to_thread(check)
