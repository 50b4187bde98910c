"""A Better Auth server on another origin than the site's pages: with cookies, JWTs and bearer tokens."""

import json

import pytest
from playwright.sync_api import expect

from tests.broker.upstreams.theirs import SECRET
from tests.node_packages import FOLDER, node
from tests.processes import serving
from tests.widget.better_auth.their_site import answered, asked_in, client_page, client_script
from tests.widget.element_page import INPUT, document, log, open_panel
from tests.widget.stage import BASE, PASSWORD

pytestmark = [pytest.mark.node, pytest.mark.private]

WITH_PLUGINS = "{ baseURL: %s, plugins: [jwtClient(), multiSessionClient()] }"
# As Better Auth's documentation of the plugin has it.
WITH_BEARER = """{ baseURL: %s, fetchOptions: {
    auth: { type: "Bearer", token: () => localStorage.getItem("bearer") ?? "" },
    onSuccess: ({ response }) => {
        const token = response.headers.get("set-auth-token");
        if (token) localStorage.setItem("bearer", token);
    },
} }"""
POST = """async ([url, body]) => {
    const headers = { "Content-Type": "application/json" };
    const init = { method: "POST", credentials: "include", headers, body: JSON.stringify(body) };
    const answer = await fetch(url, init);
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json();
}"""


@pytest.fixture(scope="module")
def servers(stage):
    """The addresses of a server on the same site as the page, and of one on another, to a browser."""
    origins = (stage.site.url, stage.origin)
    # The widget asks for another half a minute before the end of one: with these, before each question.
    life = {"jwtLife": "30s"}
    told = [
        {"port": port, "secret": SECRET, "site": origin, "cors": True, **life}
        for port, origin in zip(stage.theirs_elsewhere, origins, strict=True)
    ]
    addresses = [f"http://127.0.0.1:{port}/api/auth" for port in stage.theirs_elsewhere]
    stage.serve("page.css", "", "text/css")
    stage.serve("client.js", client_script(), "text/javascript")
    with serving([node(), "upstream.mjs", json.dumps(told)], f"{addresses[-1]}/ok", folder=FOLDER):
        yield addresses


def account(page, server, name, path="/sign-up/email"):
    """The token of a session of the account."""
    body = {"name": name, "email": f"{name}@example.com", "password": PASSWORD}
    return page.evaluate(POST, [f"{server}{path}", body])["token"]


def page_for(stage, server, site, exchange, client):
    if client:
        return client_page(stage, WITH_PLUGINS % json.dumps(server), exchange=exchange, clientId=site)
    theirs = {"baseURL": server, "exchange": exchange}
    return document(stage, **stage.options(clientId=site, betterAuth=theirs))


def requests_for_tokens(page):
    """The bodies of the page's requests for tokens, and the good answers to them, from now on."""
    bodies, answers = [], []
    page.on("request", lambda one: bodies.append(one.post_data) if is_for_a_token(one) else None)
    page.on("response", lambda one: answers.append(one) if is_for_a_token(one) and one.ok else None)
    return bodies, answers


def is_for_a_token(one):
    return one.url.endswith("/oauth2/token")


@pytest.mark.parametrize("client", [False, True], ids=["address", "client"])
@pytest.mark.parametrize(("site", "exchange"), [("elsewhere", "session"), ("jwt", "jwt")])
def test_a_session_on_another_origin(context, stage, servers, site, exchange, client):
    server = servers[0]
    stage.serve("elsewhere.html", page_for(stage, server, site, exchange, client))
    url = f"{stage.site.url}{BASE}elsewhere.html"
    page = context.new_page()
    page.goto(url)
    name = f"{site}{client}".lower()
    ada = account(page, server, f"ada{name}")
    kinds, exchanged = requests_for_tokens(page)
    open_panel(page)
    answered(page, "Is Ada here?")
    kind = "token-type%3Ajwt" if exchange == "jwt" else "better-auth-session"
    assert all(kind in one for one in kinds)
    if exchange == "jwt":
        answered(page, "And with another JWT?")
        assert len(exchanged) > 1

    account(page, server, f"bob{name}")
    answered(page, "Is Bob here?")
    assert asked_in(page) == ["Is Bob here?"]
    # Both are signed in there, and the page makes the first the active one again.
    if client:
        page.evaluate("(sessionToken) => client.multiSession.setActive({ sessionToken })", ada)
        expect(log(page)).not_to_contain_text("Is Bob here?")
    else:
        page.evaluate(POST, [f"{server}/multi-session/set-active", {"sessionToken": ada}])
    answered(page, "Is it Ada again?")
    assert asked_in(page) == ["Is it Ada again?", "Is Ada here?"]

    # Nothing but the look at the server tells the widget that a session behind a JWT has ended.
    page.evaluate(POST, [f"{server}/multi-session/revoke", {"sessionToken": ada}])
    page.evaluate(POST, [f"{server}/sign-out", {}])
    page.get_by_role("textbox", name=INPUT).fill("Still?")
    page.keyboard.press("Enter")
    expect(page.get_by_text("You are signed out. Sign in again", exact=False)).to_be_visible()
    expect(log(page)).not_to_contain_text("Ada")


def test_a_bearer_where_the_browser_sends_no_cookie(context, stage, servers):
    stage.serve("bearer.html", client_page(stage, WITH_BEARER % json.dumps(servers[1]), clientId="bearer"))
    page = context.new_page()
    page.goto(f"{stage.home}bearer.html")
    signed_up = {"name": "Ada", "email": "ada@example.com", "password": PASSWORD}
    page.evaluate("(body) => client.signUp.email(body)", signed_up)
    page.reload()
    open_panel(page)
    answered(page, "Is it so?")
    page.evaluate("client.signOut()")
    expect(page.get_by_role("button", name="Sign in", exact=True).first).to_be_visible()
