"""A real Docusaurus build with the plugin, under the base URL that it was built for and under another."""

import sys

import pytest

from tests.chatgate.doctor.deployment import EMAIL, PASSWORD
from tests.processes import serving
from tests.widget.sites import PLAIN, built, put_into_place

pytestmark = [pytest.mark.system, pytest.mark.node]


@pytest.fixture(scope="module")
def folder(running, tmp_path_factory):
    site = built(PLAIN.name)
    return put_into_place(site, tmp_path_factory.mktemp("built") / "site", running.broker, running.proxy)


def served(deployment, folder, base):
    """With a policy of its own, as strict as a built site can have it."""
    port = deployment.built.rpartition(":")[2]
    command = [sys.executable, "-m", "chatgate.stack.pages.static_site", str(folder), port, base]
    return serving([*command, deployment.broker, deployment.proxy], f"{deployment.built}{base}")


def test_a_site_that_is_well_has_no_finding(deployment, folder, monkeypatch):
    monkeypatch.setenv("CHATGATE_DOCTOR_PASSWORD", PASSWORD)
    account = ("--account", EMAIL, "--broker", deployment.broker)
    with deployment.behind(), served(deployment, folder, PLAIN.base_url):
        report = deployment.report(*account, site=f"{deployment.built}{PLAIN.base_url}")
        deeper = deployment.report(site=f"{deployment.built}{PLAIN.base_url}docs/")
    assert report["findings"] == []
    assert report["skipped"] == {}
    assert report["widget"]["callbackUrl"] == f"{deployment.built}{PLAIN.base_url}signed-in/chatgate.html"
    assert deeper["findings"] == []


def test_a_build_that_is_published_elsewhere_is_named(deployment, folder):
    with deployment.behind(), served(deployment, folder, "/book/"):
        finding = deployment.only("base_url_wrong", site=f"{deployment.built}/book/")
    assert "baseUrl: '/book/'" in finding["mend"]
    assert f"was built for baseUrl {PLAIN.base_url}" in finding["what"]
