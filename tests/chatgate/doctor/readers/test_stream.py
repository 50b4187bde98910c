"""Faults that only a reader meets who signs in and asks."""

import pytest

from tests.chatgate.doctor.deployment import slow
from tests.widget.backend import fail, hang_after

pytestmark = pytest.mark.system


@pytest.mark.parametrize(
    ("server", "added"),
    [
        (
            "nginx",
            {
                "proxy": "proxy_buffering on; proxy_ignore_headers X-Accel-Buffering; gzip on; "
                "gzip_types text/event-stream; gzip_min_length 0; gzip_proxied any;"
            },
        ),
        ("caddy", {"proxy": "\t\tresponse_buffers 10MiB"}),
        ("traefik", {"proxy": "{buffering: {maxRequestBodyBytes: 1048576}}"}),
    ],
)
def test_a_held_stream_is_named(server, added, deployment):
    deployment.backend.script = slow
    with deployment.behind(server, added):
        finding = deployment.only("stream_buffered", "--guest")
    assert server in finding["mend"].lower()


def torn(one):
    """A backend that dies in the middle."""
    one.begin()
    one.write("It is ")


@pytest.mark.parametrize("script", [fail(500), torn], ids=["at once", "in the middle"])
def test_a_backend_that_fails_is_named(script, deployment):
    deployment.backend.script = script
    with deployment.behind():
        assert "bad_backend" in deployment.only("question_failed", "--guest")["what"]


def test_an_answer_that_is_cut_on_the_way_is_named(deployment):
    deployment.backend.script = hang_after("It is ")
    with deployment.behind(
        added={"proxy server": "proxy_read_timeout 1s; location = /chat { proxy_pass {proxy}; }"}
    ):
        deployment.only("stream_cut", "--guest")


@pytest.mark.parametrize(
    ("added", "code"),
    [
        ('proxy_set_header DPoP "";', "dpop_dropped"),
        ("if ($request_method = DELETE) { return 405; }", "method_blocked"),
    ],
)
def test_a_proxy_that_drops_what_only_readers_send_is_named(added, code, deployment):
    with deployment.behind(added={"proxy": added}):
        deployment.only(code, "--guest")


def test_a_path_of_readers_alone_that_is_changed_is_named(deployment):
    added = {"proxy server": "location /sessions/ { proxy_pass {proxy}/session/; }"}
    with deployment.behind(added=added):
        deployment.only("path_changed", "--guest")


def test_a_limit_that_was_reached_is_no_fault_of_the_site(deployment):
    deployment.publish(client_id="slow")
    with deployment.behind():
        deployment.report("--guest")
        finding = deployment.only("limit_reached", "--guest")
    assert finding["severity"] == "warning"


def test_a_page_on_the_brokers_own_origin_needs_no_preflight_there(deployment):
    pages = "".join(
        f"location {path} {{ proxy_pass {deployment.site.url}; }} "
        for path in ("/book/", "= /chatgate-widget.js", "= /chatgate-callback.html")
    )
    deployment.publish(client_id="beside", broker="/")
    with deployment.behind(added={"broker server": pages}):
        report = deployment.report("--guest", site=f"{deployment.broker}/book/")
    assert report["findings"] == []
    assert report["widget"]["brokerUrl"] == deployment.broker
