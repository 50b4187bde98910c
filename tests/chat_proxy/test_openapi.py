"""Requests that Schemathesis makes from the OpenAPI document: none is answered with 5xx."""

import asyncio
import contextlib
import time

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

from chat_proxy.app import create_api
from chat_proxy.streams.drain import Drain
from tests.chat_proxy.service import running
from tests.trust import TRUST

ROUTES = {
    "/chat",
    "/v1/chat/completions",
    "/v1/models",
    "/v1/models/{model}",
    "/api/chat",
    "/sessions",
    "/sessions/{session_id}",
    "/sessions/{session_id}/feedback",
    "/healthz",
    "/readyz",
    "/.well-known/oauth-protected-resource",
}


@pytest.fixture
async def open_service(valkey, tmp_path):
    async with running(valkey, tmp_path, proxy='auth = "none"') as service:
        yield service


def document(service):
    return create_api(service.config, now=time.time, clock=time.monotonic, drain=Drain()).openapi()


async def test_every_route_is_described(open_service):
    described = document(open_service)
    assert set(described["paths"]) == ROUTES
    chat = described["paths"]["/chat"]["post"]
    assert set(chat["responses"]) >= {"200", "401", "413", "415", "422", "429", "502", "503"}
    assert chat["security"] == [{"bearer": []}, {"dpop": [], "proof": []}]
    assert set(chat["responses"]["401"]["headers"]) == {"WWW-Authenticate", "DPoP-Nonce"}


async def test_no_input_is_the_servers_fault(open_service):
    schema = schemathesis.openapi.from_dict(document(open_service))
    statuses = await asyncio.to_thread(_try_all, schema, open_service.url)
    assert max(statuses) < 500
    assert {200, 401, 404} <= statuses


def _try_all(schema, url):
    statuses = set()
    with httpx.Client(base_url=url, trust_env=False, verify=TRUST) as client:
        for found in schema.get_all_operations():

            @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
            @given(case=found.ok().as_strategy())
            def attempt(case):
                arguments = case.as_transport_kwargs(base_url=url)
                arguments.pop("cookies", None)
                # The client itself refuses some of the headers that are thought of.
                with contextlib.suppress(httpx.LocalProtocolError):
                    statuses.add(client.request(**arguments).status_code)
                # The made-up token is removed: it is invalid, so that the request would stop at the gate.
                arguments["headers"].pop("Authorization", None)
                statuses.add(client.request(**arguments).status_code)

            attempt()
    return statuses
