"""Faults of the site itself: its page, its base URL, its options, its policy, its callback page."""

import pytest

from chatgate.environment import CALLBACK_PATH
from chatgate.stack.pages.book_site import SCRIPT
from tests.browser.servers import Answer
from tests.chatgate.doctor.deployment import BASE

pytestmark = pytest.mark.system


@pytest.fixture(scope="module", autouse=True)
def in_front(running):
    """One reverse proxy for all tests of the module, as they change the site alone."""
    with running.behind():
        yield


def test_no_page_at_the_address_is_named(deployment):
    finding = deployment.only("page_missing", site=f"{deployment.origin}/bok/")
    assert "/bok/ answers 404" in finding["what"]


def test_nothing_at_the_address_is_named(deployment):
    deployment.only("site_unreachable", site="http://127.0.0.1:1/")


def test_a_name_that_is_not_there_is_named(deployment):
    finding = deployment.only("site_unreachable", site="https://handbook.invalid/")
    assert "DNS" in finding["what"]


def test_redirects_without_end_are_given_up(deployment):
    deployment.site.answers[BASE] = lambda _: Answer(status=302, headers={"Location": BASE})
    assert "more than 5 times" in deployment.only("site_unreachable")["what"]


def test_a_redirect_to_another_origin_names_the_one_that_counts(deployment):
    there = {"Location": deployment.home}
    deployment.www.answers[BASE] = lambda _: Answer(status=301, headers=there)
    finding = deployment.only("site_redirects", site=f"{deployment.www.other_site}{BASE}")
    assert finding["severity"] == "warning"
    assert f'origins = ["{deployment.origin}"]' in finding["mend"]


def test_a_page_of_more_than_the_limit_is_read_to_it(deployment):
    deployment.site.answers[BASE] = lambda _: Answer("<p>a</p>" * 400_000)
    deployment.only("widget_missing")


def test_a_page_without_the_widget_is_named(deployment):
    deployment.site.answers[BASE] = lambda _: Answer("<!doctype html><title>A book</title>")
    deployment.only("widget_missing")


@pytest.mark.parametrize(
    "change",
    [
        lambda answers: answers.pop(f"/{SCRIPT}"),
        lambda answers: answers.update({f"/{SCRIPT}": lambda _: Answer("<p>Home</p>")}),
    ],
    ids=["missing", "a page in its place"],
)
def test_the_widgets_script_that_is_not_there_is_named(change, deployment):
    change(deployment.site.answers)
    assert f"/{SCRIPT}" in deployment.only("widget_script_missing")["what"]


def test_an_element_without_any_script_is_named(deployment):
    page = '<chatgate-widget backend-url="/" auth="none"></chatgate-widget>'
    deployment.site.answers[BASE] = lambda _: Answer(page)
    assert "widget_script_missing" in deployment.codes()


@pytest.mark.parametrize("base", ["/my-book/", "/"])
def test_a_site_that_was_built_for_another_base_url_is_named(base, deployment):
    built = "assets/js/main.0a1b2c.js"
    deployment.site.answers[BASE] = lambda _: Answer(f'<script src="{base}{built}" defer></script>')
    deployment.site.answers[f"{BASE}{built}"] = lambda _: Answer("1", "text/javascript")
    finding = deployment.only("base_url_wrong")
    assert f"built for baseUrl {base}: " in finding["what"]
    assert f"{BASE}{built} is." in finding["what"]
    assert "baseUrl: '/book/'" in finding["mend"]


@pytest.mark.parametrize("path", ["", "docs/intro"])
def test_a_build_whose_files_are_not_all_published_is_named(path, deployment):
    deployment.site.answers[BASE + path] = lambda _: Answer(
        f'<script src="{BASE}assets/js/main.js"></script>'
    )
    deployment.only("assets_missing", site=deployment.home + path)


def test_a_script_that_is_missing_keeps_nothing_else_from_being_looked_at(deployment):
    deployment.publish(before='<script src="/analytics.js"></script>')
    report = deployment.report("--guest")
    assert [one["code"] for one in report["findings"]] == ["assets_missing"]
    assert report["answer"]["events"] == 5


def test_an_element_with_the_base_url_of_another_site_is_named(deployment):
    page = deployment.site.answers[BASE]("").body.replace('base-url="/book/"', 'base-url="/other/"')
    deployment.site.answers[BASE] = lambda _: Answer(page)
    assert "/other/" in deployment.only("base_url_wrong")["what"]


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        ({"client_id": ""}, "clientId"),
        ({"broker": "http://auth.example.org"}, "brokerUrl"),
        ({"proxy": ""}, "backendUrl"),
        ({"auth": "password"}, "auth"),
        ({"broker": "https://[auth"}, "brokerUrl"),
    ],
)
def test_an_option_that_the_widget_refuses_is_named(changes, option, deployment):
    deployment.publish(**changes)
    assert f"option {option} " in deployment.only("widget_options_wrong")["what"]


def test_addresses_in_place_of_the_widgets_are_said(deployment):
    deployment.publish(proxy="https://chat.invalid", policy="connect-src *")
    finding = deployment.only("options_differ", "--proxy", deployment.proxy)
    assert "https://chat.invalid" in finding["what"]


def test_requests_to_others_are_named_and_no_fault(deployment):
    foreign = (
        '<link rel="preconnect" href="https://fonts.example.net"><script src="https://cdn.example.net/a.js">'
        f'</script><img src="{deployment.origin}/own.png">'
    )
    deployment.publish(before=foreign)
    finding = deployment.only("third_party_requests")
    assert finding["severity"] == "warning"
    assert "https://fonts.example.net (preconnect), https://cdn.example.net (script)" in finding["what"]


def test_files_that_style_sheets_load_count_as_well(deployment):
    style = '@import url("https://fonts.example.net/css2?family=A"); b { background: url(own.png) }'
    deployment.site.answers[f"{BASE}page.css"] = lambda _: Answer(style, "text/css")
    assert "https://fonts.example.net (style sheet)." in deployment.only("third_party_requests")["what"]


def test_services_that_are_named_are_looked_at_for_a_page_without_the_widget(deployment):
    deployment.site.answers[BASE] = lambda _: Answer("<!doctype html><title>A book</title>")
    report = deployment.report("--broker", deployment.broker, "--proxy", deployment.proxy)
    assert [one["code"] for one in report["findings"]] == ["widget_missing"]
    assert {"metadata", "preflight of the broker", "requests to the chat proxy"} <= set(report["looks"])


def test_a_policy_that_stops_the_requests_is_named(deployment):
    deployment.publish(policy=f"default-src 'self'; connect-src 'self' {deployment.broker}")
    # The rest is looked at all the same.
    finding = deployment.only("csp_blocks_connect", "--guest")
    assert finding["mend"].endswith(f"connect-src 'self' {deployment.broker} {deployment.proxy}")


def test_a_policy_in_the_page_holds_as_well(deployment):
    meta = '<meta http-equiv="Content-Security-Policy" content="connect-src \'none\'">'
    deployment.publish(before=meta)
    deployment.only("csp_blocks_connect")


def test_a_policy_that_stops_the_script_is_named(deployment):
    deployment.publish(policy="script-src https://cdn.example.net; connect-src *")
    deployment.only("csp_blocks_script")


def test_a_policy_that_stops_the_callback_page_is_named(deployment):
    page = deployment.site.answers[CALLBACK_PATH]("").body
    strict = {"Content-Security-Policy": "default-src 'self'"}
    deployment.site.answers[CALLBACK_PATH] = lambda _: Answer(page, headers=strict)
    deployment.only("csp_blocks_callback")


def test_a_callback_page_that_is_not_there_is_named(deployment):
    del deployment.site.answers[CALLBACK_PATH]
    deployment.only("callback_missing")


def test_another_page_in_place_of_the_callback_page_is_named(deployment):
    deployment.site.answers[CALLBACK_PATH] = lambda _: Answer("<!doctype html><title>Home</title>")
    deployment.only("callback_foreign")


def test_a_host_that_loses_the_query_of_the_callback_is_named(deployment):
    page = deployment.site.answers[CALLBACK_PATH]
    bare = CALLBACK_PATH.removesuffix(".html")
    deployment.site.answers[bare] = page
    deployment.site.answers[CALLBACK_PATH] = lambda _: Answer(status=301, headers={"Location": bare})
    assert bare in deployment.only("callback_loses_answer")["what"]
