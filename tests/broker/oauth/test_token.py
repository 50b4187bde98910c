"""POST /oauth2/token before any grant: clients, forms, and the errors that name what is wrong."""

import pytest

from tests.broker.service import CALLBACK, OTHER_SITE, PASSWORD, SITE, sign_up
from tests.oauth import EXCHANGE

FORM = "application/x-www-form-urlencoded"


def error(answer):
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body.keys() == {"error", "error_description"}
    assert not set(body["error_description"]) & set('"\\')
    return answer.status_code, body["error"], body["error_description"].partition(":")[0]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"client_id": ""}, (400, "invalid_request", "client_id")),
        ({"client_id": "nobody"}, (401, "invalid_client", "client_id")),
        ({"client_id": "other"}, (403, "unauthorized_client", "client_id")),
        ({"client_secret": "x"}, (401, "invalid_client", "client_id")),
        ({"client_assertion": "x"}, (401, "invalid_client", "client_id")),
        ({}, (400, "invalid_request", "grant_type")),
        ({"grant_type": ""}, (400, "invalid_request", "grant_type")),
        ({"grant_type": "password"}, (400, "unsupported_grant_type", "grant_type")),
        ({"grant_type": "client_credentials"}, (400, "unsupported_grant_type", "grant_type")),
        ({"grant_type": "implicit"}, (400, "unsupported_grant_type", "grant_type")),
        ({"grant_type": "authorization_code"}, (400, "invalid_request", "code")),
        ({"grant_type": "authorization_code", "code": "x"}, (400, "invalid_request", "redirect_uri")),
        (
            {"grant_type": "authorization_code", "code": "x", "redirect_uri": CALLBACK},
            (400, "invalid_request", "code_verifier"),
        ),
        (
            {
                "grant_type": "authorization_code",
                "code": "x",
                "redirect_uri": CALLBACK,
                "code_verifier": "v" * 43,
            },
            (400, "invalid_grant", "code"),
        ),
        ({"grant_type": "refresh_token"}, (400, "invalid_request", "refresh_token")),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, (400, "invalid_grant", "refresh_token")),
        (
            {"grant_type": "refresh_token", "refresh_token": "x", "resource": "https://elsewhere.example"},
            (400, "invalid_target", "resource"),
        ),
        (
            {"grant_type": "refresh_token", "refresh_token": "x", "audience": "elsewhere"},
            (400, "invalid_target", "audience"),
        ),
        ({"grant_type": EXCHANGE}, (400, "invalid_request", "subject_token")),
        ({"grant_type": EXCHANGE, "subject_token": "x"}, (400, "invalid_request", "subject_token_type")),
        (
            {"grant_type": EXCHANGE, "subject_token": "x", "subject_token_type": "urn:x"},
            (400, "invalid_request", "subject_token_type"),
        ),
        ({"grant_type": EXCHANGE, "actor_token": "x"}, (400, "invalid_request", "actor_token")),
        (
            {"grant_type": EXCHANGE, "requested_token_type": "urn:x"},
            (400, "invalid_request", "requested_token_type"),
        ),
    ],
)
async def test_an_error_names_the_parameter_that_is_at_fault(site, parameters, expected):
    assert error(await site.send(**parameters)) == expected


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        (FORM, b"client_id=docs&client_id=docs", (400, "invalid_request", "client_id")),
        (FORM, b"client_id=docs&x%0d%0ay=1&x%0d%0ay=2", (400, "invalid_request", "a parameter")),
        (FORM, b"client_id=%ff", (400, "invalid_request", "the parameters cannot be read")),
        (
            FORM,
            b"&".join(b"a%d=1" % at for at in range(40)),
            (400, "invalid_request", "the parameters cannot be read"),
        ),
        ("application/json", b'{"client_id":"docs"}', (400, "invalid_request", "Content-Type")),
        ("text/plain", b"client_id=docs", (400, "invalid_request", "Content-Type")),
        ("multipart/form-data", b"client_id=docs", (400, "invalid_request", "Content-Type")),
        (
            FORM,
            b"client_id=docs&x=" + b"y" * 20_000,
            (413, "invalid_request", "A body may have 16384 bytes."),
        ),
    ],
)
async def test_a_body_that_is_no_form_is_refused(site, kind, body, expected):
    answer = await site.page.post("/oauth2/token", content=body, headers={"Content-Type": kind})
    assert error(answer) == expected


async def test_an_encoded_body_is_refused(site):
    headers = {"Content-Type": FORM, "Content-Encoding": "gzip"}
    answer = await site.page.post("/oauth2/token", content=b"x", headers=headers)
    assert error(answer)[:2] == (415, "invalid_request")


async def test_a_client_that_authenticates_by_header_is_told_so_in_kind(site):
    answer = await site.page.post("/oauth2/token", data={"client_id": "docs"}, auth=("docs", "secret"))
    assert error(answer)[:2] == (401, "invalid_client")
    assert answer.headers["www-authenticate"] == 'Basic realm="oauth2"'


@pytest.mark.parametrize("path", ["/oauth2/token", "/oauth2/revoke", "/oauth2/introspect"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "TRACE"])
async def test_a_wrong_method_is_an_oauth_error_too(site, path, method):
    answer = await site.page.request(method, path)
    assert error(answer)[:2] == (405, "invalid_request")
    assert answer.headers["allow"] == "POST"


async def test_a_page_of_a_foreign_origin_gets_nothing(make):
    async with make("https://evil.example") as page:
        answer = await page.post("/oauth2/token", data={"client_id": "docs"})
        assert error(answer)[:2] == (403, "unauthorized_client")
        assert "access-control-allow-origin" not in answer.headers


async def test_a_page_of_the_site_may_read_answers_errors_and_nonces(site):
    answer = await site.send(grant_type="password")
    assert answer.headers["access-control-allow-origin"] == SITE
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    assert {"Date", "DPoP-Nonce", "Retry-After", "WWW-Authenticate", "X-Request-Id"} <= set(exposed)
    preflight = await site.page.options(
        "/oauth2/token",
        headers={"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "dpop"},
    )
    assert preflight.status_code == 204
    assert "DPoP" in preflight.headers["access-control-allow-headers"]


async def test_without_redis_every_grant_is_a_503_that_says_when_to_come_again(site, page, valkey):
    await sign_up(page, "ada@example.com")
    tokens = await site.signed_in("ada@example.com", PASSWORD)
    code = await site.code("ada@example.com", PASSWORD)
    valkey.kill()
    for answer in (
        await site.redeem(code),
        await site.refresh(tokens["refresh_token"]),
        await site.exchange(tokens["access_token"]),
        await site.revoke(tokens["refresh_token"]),
    ):
        assert error(answer)[:2] == (503, "temporarily_unavailable")
        assert answer.headers["retry-after"] == "1"
        assert answer.headers["access-control-allow-origin"] == SITE


async def test_a_site_that_was_taken_out_of_the_configuration_gets_nothing_more(
    site, page, start, config, oauth
):
    await sign_up(page, "ada@example.com")
    tokens = await site.signed_in("ada@example.com", PASSWORD)
    fewer = {name: one for name, one in config.clients.by_id.items() if name != "docs"}
    clients = type(config.clients)(fewer, frozenset({OTHER_SITE}))
    later = await oauth(make=await start(clients=clients), origin=None)
    assert error(await later.refresh(tokens["refresh_token"]))[:2] == (401, "invalid_client")


async def test_the_metadata_names_what_is_there(site):
    answer = await site.page.get("/.well-known/oauth-authorization-server")
    assert answer.status_code == 200
    found = answer.json()
    assert found["issuer"] == site.issuer
    assert found["authorization_response_iss_parameter_supported"] is True
    for name in ("token_endpoint", "revocation_endpoint", "introspection_endpoint"):
        assert (await site.page.post(found[name])).status_code in (400, 401)
    assert (await site.window.get(found["authorization_endpoint"])).status_code == 400
    assert (await site.page.get(found["jwks_uri"])).status_code == 200
    assert found["code_challenge_methods_supported"] == ["S256"]
