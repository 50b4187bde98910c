"""Faults of what the services were told: origins, redirect URIs, the site's name, their own addresses."""

import httpx
import pytest

from chatgate.environment import CALLBACK_PATH
from tests.chatgate.doctor.deployment import BASE, EMAIL, PASSWORD

pytestmark = pytest.mark.system


@pytest.fixture(scope="module", autouse=True)
def in_front(running):
    with running.behind():
        yield


def origins_unknown(deployment, report):
    """Return the findings' texts: neither service knows the origin, nor the redirect URI."""
    codes = sorted(one["code"] for one in report["findings"])
    assert codes == ["origin_not_registered"] * 2 + ["redirect_uri_not_registered"]
    return " ".join(one["what"] for one in report["findings"] if one["code"] == "origin_not_registered")


def test_an_unregistered_origin_is_named_with_its_line(deployment):
    deployment.publish()
    report = deployment.report(site=f"{deployment.site.url}{BASE}")
    what = origins_unknown(deployment, report)
    assert f"does not know the origin {deployment.site.url}." in what
    assert "It knows" not in what
    mends = {one["mend"] for one in report["findings"]}
    assert (
        f'origins = ["{deployment.site.url}"] in [sites.docs] of chatgate.toml, for both services.' in mends
    )


def test_http_for_https_is_named(deployment):
    site = deployment.publish(deployment.secure, client_id="secure")
    what = origins_unknown(deployment, deployment.report(site=site))
    assert (
        f"It knows https://localhost:{deployment.secure.port}, the same with https in place of http" in what
    )


def test_www_is_named(deployment):
    site = deployment.publish(deployment.www, client_id="www")
    what = origins_unknown(deployment, deployment.report(site=site))
    assert f"It knows http://www.localhost:{deployment.www.port}, the same with www" in what


def test_a_site_whose_origin_is_another_sites_is_named(deployment):
    deployment.publish(client_id="lone", auth="better-auth")
    codes = deployment.codes()
    assert codes == ["origin_not_registered", "redirect_uri_not_registered"]


def test_a_site_that_the_broker_does_not_know_is_named(deployment):
    deployment.publish(client_id="hand-book")
    assert "hand-book" in deployment.only("client_unknown")["what"]


def test_a_redirect_uri_that_differs_by_a_slash_is_named(deployment):
    deployment.publish(client_id="slash", auth="better-auth")
    finding = deployment.only("redirect_uri_not_registered")
    assert f"It has {deployment.origin}{CALLBACK_PATH}/, which is not the same" in finding["what"]
    assert f'redirect_uris = ["{deployment.origin}{CALLBACK_PATH}"]' in finding["mend"]


def test_guests_that_are_not_let_in_are_named(deployment):
    deployment.publish(client_id="closed")
    assert "guests = true in [sites.closed]" in deployment.only("guests_refused")["mend"]


def test_a_wrong_password_is_named_and_never_shown(deployment, monkeypatch):
    monkeypatch.setenv("CHATGATE_DOCTOR_PASSWORD", f"not-{PASSWORD}")
    report = deployment.report("--account", EMAIL, "--broker", deployment.broker)
    assert [one["code"] for one in report["findings"]] == ["sign_in_refused"]
    assert PASSWORD not in str(report)


def test_the_session_that_was_opened_is_ended_and_the_conversation_deleted(deployment, monkeypatch):
    monkeypatch.setenv("CHATGATE_DOCTOR_PASSWORD", PASSWORD)
    account = ("--account", EMAIL, "--broker", deployment.broker)
    with httpx.Client(base_url=deployment.broker, headers={"Origin": deployment.origin}) as page:
        body = {"email": EMAIL, "password": PASSWORD}
        assert page.post("/api/auth/sign-in/email?client_id=docs", json=body).status_code == 200

        def sessions():
            return {one["token"] for one in page.get("/api/auth/list-sessions").json()}

        before = sessions()
        assert deployment.report(*account)["findings"] == []
        assert sessions() == before
        token = page.get("/auth/token").json()["token"]
    kept = httpx.get(f"{deployment.proxy}/sessions", headers={"Authorization": f"Bearer {token}"})
    assert kept.json() == {"sessions": []}
