"""The reader of a documentation site's sources finds what Docusaurus builds of them, block by block."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from rag_backend.book import pages as book
from rag_backend.book import plain_text
from rag_backend.book.docusaurus import site
from rag_backend.book.docusaurus.site import BookError
from rag_backend.search import index
from tests.node_packages import node
from tests.processes import REPOSITORY, alone_with
from tests.rag_backend.book import built_page
from tests.rag_backend.books import write

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
    found = site.find(folder, asks_docusaurus=True)
    asked = {page.url: page.source for page in book.read(found)}
    assert found.permalinks
    assert asked == {url: page.source for url, page in pages.items()}
    assert ".chatgate" not in {path.name for path in folder.iterdir()}


def test_a_site_that_docusaurus_cannot_load_is_read_without_it(built):
    folder = built.parent / "broken"
    shutil.copytree(SOURCES, folder, ignore=shutil.ignore_patterns("node_modules"))
    with (folder / "docusaurus.config.mjs").open("a") as config:
        config.write("\nthrow new Error('not now');\n")
    found = site.find(folder, asks_docusaurus=True)
    assert not found.permalinks
    assert "Docusaurus could not load the site" in found.assumed[-1]
    assert "/newest/text" in [page.url for page in book.read(found)]


COMPUTED = """
const made = (text) => JSON.parse(text);
export default {
  title: made('"Made"'), url: 'https://docs.example.org',
  baseUrl: process.env.NODE_ENV === made('"production"') ? '/b/' : '/x/',
  trailingSlash: made('true'),
  markdown: {anchors: {maintainCase: made('true')}, preprocessor: ({fileContent}) => fileContent},
  i18n: {defaultLocale: 'en', locales: ['en', made('"fr"')], path: 'words'},
  presets: [['classic', {docs: {path: made('"texts"'), exclude: made('["off/**"]')}, blog: false}]],
  plugins: made('["api"]').reduce((all, id) => [...all,
    ['@docusaurus/plugin-content-docs', {id, path: id, routeBasePath: 'a b'}]], []),
};
"""
COMPUTED_SITE = {
    "docusaurus.config.mjs": COMPUTED,
    "texts/one.md": "# One\n\n## Set Up\n\nText.",
    "texts/two.md": "# Two\n\nWrong.",
    "texts/off/three.md": "# Three",
    "texts/draft.md": "---\ndraft: true\n---\nx",
    "api/five.md": "# Five",
    "words/en/docusaurus-plugin-content-docs/current/two.md": "---\nslug: second\n---\n# Right",
    "words/fr/docusaurus-plugin-content-docs/current/one.md": "# Un",
    "words/fr/docusaurus-plugin-content-docs-api/current/five.md": "# Cinq",
}


def test_what_the_configuration_computes_is_as_docusaurus_has_it(built):
    folder = write(built.parent / "computed", COMPUTED_SITE)
    found = site.find(folder, asks_docusaurus=True)
    left_out: list[str] = []
    read = book.read(found, warn=left_out.append)
    assert plain_text.sections(read[0].tokens)[-1].anchor == "Set-Up"
    assert {page.url: page.title for page in read} == {
        "/b/docs/one/": "One",
        "/b/docs/second/": "Right",
        "/b/a%20b/five/": "Five",
        "/b/fr/docs/one/": "Un",
        "/b/fr/a%20b/five/": "Cinq",
    }
    assert left_out == ["draft.md is a draft, and left out."]
    assert (found.settings.title, found.asks) == ("Made", ())
    assert [line for line in found.assumed if "preprocessor" not in line] == []
    of_api = site.find(folder / "api", asks_docusaurus=True)
    assert [page.url for page in book.read(of_api)] == ["/b/a%20b/five/", "/b/fr/a%20b/five/"]


def test_an_index_of_what_docusaurus_has_is_good_until_one_of_its_folders_changes(built, tmp_path):
    folder, target = write(tmp_path / "site", COMPUTED_SITE), tmp_path / "book.db"
    (tmp_path / "node_modules").symlink_to(built.parent / "node_modules")
    index.build(folder, target, asks_docusaurus=True)
    assert index.is_fresh(target, folder)
    write(folder, {"texts/six.md": "# Six"})
    assert not index.is_fresh(target, folder)


def test_a_base_url_that_docusaurus_cannot_give_is_asked_for(built, tmp_path):
    config = "export default {baseUrl: made()}; throw new Error('not now');"
    folder = write(built.parent / "unknown", {"docusaurus.config.mjs": config, "docs/a.md": "x"})
    with pytest.raises(BookError, match="--base-url"):
        index.build(folder, tmp_path / "book.db", asks_docusaurus=True)
    assert index.build(folder, tmp_path / "book.db", base_url="/b/").first_page == "/b/docs/a"


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
