"""The widget's options as they stand in a page or in a script of its build."""

import json

import pytest

from chatgate.doctor.pages import options
from chatgate.doctor.pages.options import Given
from tests.widget.sites import BROKER, FASTER, PLAIN, PROXY, WITHOUT, built

PAGE = "https://owner.github.io/book/"
SITE = {
    "options": {
        "backendUrl": "https://chat.example.org",
        "brokerUrl": "https://auth.example.org",
        "clientId": "handbook",
        "auth": "guest",
        "callbackUrl": "/book/chatgate-callback.html",
        "strings": {"title": 'Ask the book\'s "author"\n'},
    },
    "script": "/book/assets/chatgate-widget-0a1b2c3d/element.js",
    "baseUrl": "/book/ar/",
    "baseUrls": ["/book/", "/book/ar/"],
}


def in_text_of_script(data, quote):
    """As bundlers write JSON into a script: a text between quotes, escaped once."""
    text = json.dumps(data, separators=(",", ":")).replace("\\", "\\\\").replace(quote, f"\\{quote}")
    return f"e.exports=JSON.parse({quote}{text}{quote})}},7:e=>{{"


@pytest.mark.parametrize("quote", ["'", '"', "`"])
def test_the_plugins_data_are_found_however_they_are_quoted(quote):
    data = {"other-plugin": {"default": {"a": 1}}, "chatgate-widget": {"default": SITE}}
    found = options.of_script(in_text_of_script(data, quote))
    assert found is not None
    assert found.values["backendUrl"] == "https://chat.example.org"
    assert found.values["clientId"] == "handbook"
    assert found.base_urls == ("/book/ar/", "/book/", "/book/ar/")
    widget, faults = options.checked(found, PAGE)
    assert faults == []
    assert widget is not None
    assert widget.callback == "https://owner.github.io/book/chatgate-callback.html"
    assert widget.script == "https://owner.github.io/book/assets/chatgate-widget-0a1b2c3d/element.js"


@pytest.mark.node
@pytest.mark.parametrize("variant", [PLAIN, FASTER, WITHOUT], ids=lambda one: one.name)
def test_the_options_of_a_real_build_are_found(variant):
    site = built(variant.name)
    scripts = sorted((site.folder / "assets" / "js").glob("*.js"))
    [found] = [given for one in scripts if (given := options.of_script(one.read_text())) is not None]
    assert found.values["backendUrl"] == PROXY
    assert found.values["brokerUrl"] == BROKER
    assert found.base_urls[0] == site.base_url
    assert found.script is not None
    assert (site.folder / found.script.removeprefix(site.base_url)).is_file()


def test_a_published_page_uses_the_public_one_of_several_sets():
    script = (
        'const c={development:{backendUrl:"http://127.0.0.1:8001",brokerUrl:"http://127.0.0.1:8000",'
        'clientId:"docs"},' + "x" * 2000 + 'production:{backendUrl:"https://chat.example.org",'
        'brokerUrl:"https://auth.example.org",clientId:"handbook"}}'
    )
    sets = list(options.literals(script))
    assert len(sets) == 2
    published, local = options.best(sets, PAGE), options.best(sets, "http://localhost:3000/")
    assert published is not None
    assert published.values["clientId"] == "handbook"
    assert local is not None
    assert local.values["clientId"] == "docs"
    assert options.best([], PAGE) is None


def test_a_script_without_options_has_none():
    assert options.of_script('{"chatgate-widget":{"default":[') is None
    assert options.of_script('"chatgate-widget":{"default":{"options":3}}') is None
    assert list(options.literals('function f(backendUrl){throw "backendUrl: it is missing"}')) == []


def test_a_public_page_whose_services_are_on_loopback_is_told_so():
    values = {"backendUrl": "http://127.0.0.1:8001", "brokerUrl": "https://a.example", "clientId": "docs"}
    widget, faults = options.checked(Given("script", values), PAGE)
    assert widget is None
    assert [one.code for one in faults] == ["service_on_loopback"]
    assert options.checked(Given("script", values), "http://localhost:3000/")[1] == []


def test_an_address_is_resolved_as_the_widget_does_it():
    values = {"backendUrl": "/", "brokerUrl": "//auth.example.org:443/", "clientId": "docs"}
    widget, _ = options.checked(Given("element", values), PAGE)
    assert widget is not None
    assert (widget.proxy, widget.broker) == ("https://owner.github.io", "https://auth.example.org")
    assert widget.callback == "https://owner.github.io/chatgate-callback.html"
