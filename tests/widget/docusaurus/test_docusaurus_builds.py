"""Faults that stop a build of a site, and the plugin's use at the command line."""

import json
import os
import subprocess

import httpx
import pytest

from tests.browser.servers import CALLBACK
from tests.node_packages import node
from tests.ports import free_ports
from tests.processes import serving
from tests.widget.sites import EXAMPLE, FASTER, PACKAGES, docusaurus, make_site, packages

pytestmark = pytest.mark.node

# In two parts, so that no scanner takes this file for a leak.
KEY = "sk-" + "proj-0123456789abcdefghij"
PUBLIC = {"backendUrl": "https://chat.example.org", "brokerUrl": "https://auth.example.org"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    packages()
    return make_site(tmp_path_factory.mktemp("site"))


def built(site, told):
    return docusaurus(site, "build", told=told)


@pytest.mark.parametrize(
    ("widget", "message"),
    [
        (
            {"suggestions": [KEY]},
            "the option suggestions[0] must not be there: its value looks like",
        ),
        ({"theme": "dark"}, 'chatgate-widget: "theme" is not allowed'),
        ({"id": "second"}, "chatgate-widget: the plugin is there a second time, as second."),
        ({"callbackPath": "favicon.html"}, "static/favicon.html takes the place of the plugin's own page."),
    ],
)
def test_an_option_that_cannot_be_stops_the_build_with_its_reason(site, widget, message):
    (site / "static" / "favicon.html").write_text("")
    done = built(site, FASTER.told(**widget))
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert message in said
    assert KEY not in said
    assert not (site / "build").exists()


def test_addresses_of_this_machine_stop_the_build_of_a_public_site(site):
    told = {**FASTER.told(), "url": "https://owner.github.io"}
    done = built(site, told)
    assert done.returncode == 1
    assert "chatgate-widget: backendUrl, brokerUrl: good for this machine alone" in done.stdout + done.stderr
    # As they are in the configuration of a site that is public.
    assert (
        docusaurus(site, "write-translations", told={**FASTER.told(**PUBLIC), "url": told["url"]}).returncode
        == 0
    )


@pytest.mark.parametrize(
    ("words", "file"),
    [
        (["--eject", "--javascript"], "index.js"),
        (["--eject", "--typescript"], "index.tsx"),
        (["--wrap", "--javascript"], "index.js"),
    ],
)
def test_an_owner_may_take_a_copy_of_the_chapters_component(site, words, file):
    done = docusaurus(site, "swizzle", "chatgate-widget", "ChatKitWidget", *words, told=FASTER.told())
    folder = site / "src" / "theme" / "ChatKitWidget"
    assert (folder / file).is_file(), done.stdout + done.stderr
    taken = (folder / file).read_text()
    assert "siteOptions" in taken or "@theme-original/ChatKitWidget" in taken
    for one in folder.iterdir():
        one.unlink()


def test_a_site_in_development_has_the_widget_and_the_callback_page(site):
    [port] = free_ports(1)
    program = PACKAGES / "@docusaurus" / "core" / "bin" / "docusaurus.mjs"
    command = [node(EXAMPLE), str(program), "start", "--no-open", "--port", str(port)]
    environ = {
        **os.environ,
        "VARIANT": json.dumps(FASTER.told()),
        "DOCUSAURUS_NO_TELEMETRY": "1",
        "DOCUSAURUS_NO_PERSISTENT_CACHE": "1",
    }
    home = f"http://localhost:{port}/my-book/"
    # It builds the site first, as long as `docusaurus build` takes.
    with serving(command, home, folder=site, environ=environ, patience=300):
        callback = httpx.get(f"{home}chatgate-callback.html", timeout=60)
        assert callback.content == CALLBACK.read_bytes()
        assert "chatgate-widget" in httpx.get(f"{home}main.js", timeout=60).text


def test_a_site_of_typescript_knows_the_plugins_types(site):
    """Its options, the element's, and the component of a chapter."""
    (site / "types.tsx").write_text("""
import ChatKitWidget from '@theme/ChatKitWidget';
import {ChatKitWidget as Wrapper} from 'chatgate-widget/react';
import type {PluginOptions} from 'chatgate-widget/docusaurus';
import 'chatgate-widget/element';

export const options: PluginOptions = {backendUrl: 'https://chat.example.org', auth: 'guest'};
// @ts-expect-error: there is no such way.
export const wrong: PluginOptions = {backendUrl: 'https://chat.example.org', auth: 'basic'};
export const chapter = <ChatKitWidget mode="selection_only" />;
export const anywhere = <Wrapper backendUrl="https://chat.example.org" className="own" />;
""")
    compiler = PACKAGES.parents[2] / "widget" / "node_modules" / "typescript" / "bin" / "tsc"
    words = ["--noEmit", "--strict", "--skipLibCheck", "--jsx", "react-jsx", "--module", "esnext"]
    words += ["--moduleResolution", "bundler", "--lib", "es2022,dom", "types.tsx"]
    done = subprocess.run([node(EXAMPLE), compiler, *words], cwd=site, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
