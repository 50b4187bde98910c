"""The reader of a documentation site's sources finds what Docusaurus builds of them, block by block."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from rag_backend.book import pages as book
from rag_backend.book import plain_text
from rag_backend.book.docusaurus import site
from tests.node_packages import node
from tests.processes import REPOSITORY, alone_with
from tests.rag_backend.book import built_page

SOURCES = Path(__file__).with_name("docs_site")
EXAMPLE = REPOSITORY / "examples" / "docusaurus"

pytestmark = pytest.mark.node


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of the site as it is built, with the packages of examples/docusaurus and its own."""
    command = node(EXAMPLE)
    node(SOURCES)
    folder = tmp_path_factory.mktemp("docusaurus")
    packages = folder / "node_modules"
    packages.symlink_to(EXAMPLE / "node_modules")
    shutil.copytree(SOURCES, folder / "site")
    # Its HTML as it was rendered: the other leaves out tags that a browser puts in again.
    environ = {**os.environ, "DOCUSAURUS_NO_TELEMETRY": "1", "NODE_ENV": "", "SKIP_HTML_MINIFICATION": "true"}
    docusaurus = packages / "@docusaurus" / "core" / "bin" / "docusaurus.mjs"
    with alone_with(EXAMPLE / "package-lock.json"):
        done = subprocess.run(
            [command, docusaurus, "build", "--out-dir", folder / "out"],
            cwd=folder / "site",
            env=environ,
            capture_output=True,
            text=True,
            timeout=300,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "out"


def test_docusaurus_is_asked_for_the_addresses_and_gives_those_that_are_read(built, pages):
    folder = built.parent / "site"
    found = site.as_loaded(site.find(folder))
    asked = {page.url: page.source for page in book.read(found)}
    assert found.permalinks
    assert asked == {url: page.source for url, page in pages.items()}
    assert ".chatgate" not in {path.name for path in folder.iterdir()}


def test_a_site_that_docusaurus_cannot_load_is_read_without_it(built):
    folder = built.parent / "broken"
    shutil.copytree(SOURCES, folder, ignore=shutil.ignore_patterns("node_modules"))
    with (folder / "docusaurus.config.mjs").open("a") as config:
        config.write("\nthrow new Error('not now');\n")
    found = site.as_loaded(site.find(folder))
    assert not found.permalinks
    assert "Docusaurus could not load the site" in found.assumed[-1]
    assert "/newest/text" in [page.url for page in book.read(found)]


@pytest.fixture(scope="module")
def pages():
    return {page.url: page for page in book.read(site.find(SOURCES))}


def file_of(built, url):
    return built / url.strip("/") / "index.html"


def read_lines(page):
    """As tests.rag_backend.book.built_page has them: a title above its code, a header above its rows."""
    header = None
    for section in plain_text.sections(page.tokens):
        if section.level > 1:
            yield section.heading
        for block in section.blocks:
            if block.kind in ("row", "code") and block.label and block.label != header:
                yield block.label
            header = block.label if block.kind == "row" else None
            yield block.text


def test_each_page_is_read_and_no_other(built, pages):
    found = {file for file in built.rglob("*.html") if file.name != "404.html"}
    assert {file_of(built, url) for url in pages} == found


@pytest.mark.parametrize("name", ["code", "more", "off", "same", "shows", "tabs", "text", "unlisted"])
def test_a_page_is_read_as_it_is_built(built, pages, name):
    page = pages[f"/newest/{name}"]
    html = file_of(built, page.url).read_text()
    assert list(read_lines(page)) == built_page.lines(html)
    assert f">{page.title} | Constructs</title>" in html
    assert page.listed == ('name="robots" content="noindex' not in html)
    anchors = [section.anchor for section in plain_text.sections(page.tokens) if section.level > 1]
    assert all(f'id="{anchor}"' in html for anchor in anchors)
