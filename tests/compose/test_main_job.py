"""The whole main job through Caddy: the page, sign-up, a token, a question, sign-out, and OAuth."""

import httpx
import pytest

from chatgate.stack.pages import book_files, book_site
from tests.compose.stack import QUESTION, Reader, signed_up
from tests.oauth import Key, oauth_site

pytestmark = pytest.mark.compose

HEADERS = book_files.SAME_ORIGIN.headers()
SPOOFED = "203.0.113.9"


def test_the_book_is_at_the_origin(stack):
    home = httpx.get(f"{stack.url}/book/")
    assert home.status_code == 200
    assert "<h1>" in home.text
    assert {name: home.headers[name] for name in HEADERS} == HEADERS
    script = httpx.get(f"{stack.url}/{book_site.SCRIPT}")
    assert script.content == (book_site.ASSETS / book_site.SCRIPT).read_bytes()
    assert script.headers["content-type"].startswith("text/javascript")
    assert httpx.get(f"{stack.url}/book/sensors").status_code == 200
    assert httpx.get(f"{stack.url}/book/page.css").headers["content-type"].startswith("text/css")
    assert "url=/book/" in httpx.get(f"{stack.url}/").text


def test_a_missing_page_is_404_in_the_books_own_words(stack):
    missing = httpx.get(f"{stack.url}/book/no-such-chapter")
    assert missing.status_code == 404
    assert "This book has no page at this address" in missing.text
    assert {name: missing.headers[name] for name in HEADERS} == HEADERS


def test_the_callback_page_has_its_own_policy(stack):
    page = httpx.get(f"{stack.url}/chatgate-callback.html")
    assert page.status_code == 200
    assert {name: page.headers[name] for name in book_site.CALLBACK_HEADERS} == book_site.CALLBACK_HEADERS


@pytest.mark.parametrize(
    "path",
    [
        *("/healthz", "/readyz", "/metrics", "/proxy", "/api", "/auth"),
        # Paths that the server in front and the service read in different ways.
        *("//healthz", "/auth/%2e%2e/healthz", "/auth/..%2freadyz", "/sessions%2f..%2fmetrics"),
        "/.well-known/oauth-protected-resource/%2e%2e/%2e%2e/readyz",
    ],
)
def test_the_operators_paths_are_not_at_the_origin(stack, path):
    assert httpx.get(f"{stack.url}{path}").headers["content-type"].startswith("text/html")
    assert httpx.get(f"{stack.url}{path}").status_code == 404


def test_a_reader_signs_up_asks_signs_out_and_may_not_ask(stack):
    reader, token = signed_up(stack, "ada@example.com")
    events = list(reader.stream(token))
    names = [name for _, name, _ in events]
    assert names[0] == "start"
    assert names[-1] == "done"
    text = "".join(data["text"] for _, name, data in events if name == "delta")
    assert "6 minutes" in text
    cited = [data for _, name, data in events if name == "citation"]
    assert cited
    for citation in cited:
        # A citation leads to a page of this origin.
        assert httpx.get(f"{stack.url}{citation['url']}").status_code == 200
    listed = reader.http.get("/sessions", headers={"Authorization": f"Bearer {token}"}).json()["sessions"]
    assert [one["session_id"] for one in listed] == [QUESTION["session_id"]]
    assert reader.sign_out().json() == {"success": True}
    refused = reader.ask(token)
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_token")
    assert reader.token().status_code == 401


def test_a_selection_alone_is_answered_from_itself(stack):
    reader, token = signed_up(stack, "selection@example.com")
    selection = "The harbour's cat is called Ferdinand and sleeps on the tide table."
    answer = reader.ask(
        token, message="What is the cat called?", mode="selection_only", selected_text=selection
    )
    assert answer.status_code == 200
    assert "Ferdinand" in answer.json()["response"]
    missing = reader.ask(token, mode="selection_only")
    assert (missing.status_code, missing.json()["code"]) == (422, "invalid_selected_text")


@pytest.mark.parametrize("key", [None, Key()], ids=["bearer", "dpop"])
async def test_a_code_from_the_login_page_becomes_tokens(stack, key):
    email = f"{'bearer' if key is None else 'dpop'}-code@example.com"
    Reader(stack.url).sign_up(email)
    async with oauth_site(stack.url, "docs", f"{stack.url}/chatgate-callback.html", key) as site:
        tokens = await site.signed_in(email, "a-tall-ship-and-a-star")
        assert tokens["token_type"] == ("Bearer" if key is None else "DPoP")
        token = tokens["access_token"]
        if key is None:
            asked = await site.page.post(
                f"{stack.url}/chat", json=QUESTION, headers={"Authorization": f"Bearer {token}"}
            )
        else:
            asked = await _with_proof(site, f"{stack.url}/chat", token)
        assert asked.status_code == 200, asked.text
        refreshed = await site.refresh(tokens["refresh_token"])
        assert refreshed.status_code == 200, refreshed.text


async def _with_proof(site, address, token):
    nonce = None
    for _ in range(2):
        proof = site.key.proof("POST", address, nonce=nonce, access_token=token)
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof}
        answer = await site.page.post(address, json=QUESTION, headers=headers)
        nonce = answer.headers["dpop-nonce"]
    return answer


def test_the_metadata_is_split_and_names_one_origin(stack):
    server = httpx.get(f"{stack.url}/.well-known/oauth-authorization-server").json()
    assert server["issuer"] == stack.url
    assert server["token_endpoint"] == f"{stack.url}/oauth2/token"
    resource = httpx.get(f"{stack.url}/.well-known/oauth-protected-resource").json()
    assert resource["resource"] == stack.url
    assert resource["authorization_servers"] == [server["issuer"]]
    assert httpx.get(server["jwks_uri"]).json()["keys"]
    challenge = httpx.post(f"{stack.url}/chat", json=QUESTION).headers["www-authenticate"]
    assert f'resource_metadata="{stack.url}/.well-known/oauth-protected-resource"' in challenge


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_an_address_that_a_client_claims_is_not_believed(stack, name):
    value = f"for={SPOOFED}" if name == "Forwarded" else SPOOFED
    reader = Reader(stack.url, **{name: value})
    assert reader.sign_up(f"{name.lower()}@example.com").status_code == 200
    # Neither that one nor Caddy's: what Caddy said was believed, which is the gateway of its outer network.
    assert not reader.session()["session"]["ipAddress"]


def test_wrong_passwords_from_behind_the_gateway_lock_no_other_account(stack):
    signed_up(stack, "behind@example.com")
    reader = Reader(stack.url)
    for number in range(60):
        assert reader.sign_in(f"nobody-{number}@example.com").status_code == 401
    assert reader.sign_in("behind@example.com").status_code == 200
    assert [reader.sign_in("nobody@example.com").status_code for _ in range(11)] == [401] * 10 + [429]


def test_a_page_of_another_site_is_refused(stack):
    reader = Reader(stack.url, origin="https://elsewhere.example")
    assert reader.sign_up("elsewhere@example.com").status_code == 403


@pytest.mark.parametrize("path", ["/chat", "/api/auth/sign-in/email"])
def test_a_body_that_is_too_large_is_told_so_while_caddy_is_sending_it(stack, path):
    """If a service hung up on it, Caddy would take the service for one that is away."""
    reader, token = signed_up(stack, f"large{path.count('/')}@example.com")
    headers = {"Authorization": f"Bearer {token}"} if path == "/chat" else {}
    headers["Content-Type"] = "application/json"
    for _ in range(5):
        answer = reader.http.post(path, content=bytes(10_000_000), headers=headers)
        assert (answer.status_code, answer.json()["code"].lower()) == (413, "body_too_large")
        assert answer.headers["access-control-allow-origin"] == stack.url


def test_the_commands_reach_the_same_accounts(stack):
    Reader(stack.url).sign_up("listed@example.com")
    listed = stack("run", "--rm", "-T", "chatgate", "users", "list")
    assert "listed@example.com" in listed
    assert "good for production" in stack("run", "--rm", "-T", "chatgate", "check", "--connect")
