import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from chatgate.stack.pages.book_site import ASSETS, CALLBACK, Widget, create_page_app
from rag_backend.answers import quoting
from rag_backend.answers.parts import Citation
from rag_backend.book import pages as book
from rag_backend.book.docusaurus import site
from rag_backend.search import index, passages
from rag_backend.search.query import Found, Hit
from tests.rag_backend.books import SAMPLE, write

GUIDE = Path(__file__).parents[4] / "docs" / "sign-in-from-a-site.md"
WIDGET = Widget("http://127.0.0.1:8001", "http://127.0.0.1:8000", "docs", "guest")
BLOCKS = {"p", "li", "td", "th", "h1", "h2", "h3", "h4", "pre", "figcaption", "summary", "div", "br", "dd"}


class Read(HTMLParser):
    """The content of a page: its ids, its links and its text, with blocks apart."""

    def __init__(self, source):
        super().__init__()
        self.ids: list[str | None] = []
        self.links: list[str] = []
        self._text: list[str] = []
        self.feed(source)
        self.text = " ".join("".join(self._text).split())

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [attributes["href"] or ""] if tag == "a" else []
        if tag in BLOCKS:
            self._text.append(" ")

    def handle_data(self, data):
        self._text.append(data)


def client_of(folder, base_url=None):
    transport = httpx.ASGITransport(create_page_app(folder, WIDGET, base_url))
    return httpx.AsyncClient(transport=transport, base_url="http://page")


@pytest.fixture
async def client():
    async with client_of(SAMPLE) as client:
        yield client


@pytest.fixture(scope="module")
def sample_passages():
    return [passage for page in book.read(site.find(SAMPLE)) for passage in passages.cut(page)]


async def pages(client, urls):
    return {
        path: Read((await client.get(path)).raise_for_status().text)
        for path in {urlsplit(u).path for u in urls}
    }


async def test_every_passage_has_a_page_an_anchor_and_its_text_there(client, sample_passages):
    read = await pages(client, [passage.url for passage in sample_passages])
    for passage in sample_passages:
        parts = urlsplit(passage.url)
        assert not parts.fragment or read[parts.path].ids.count(parts.fragment) == 1
        for block in passage.blocks:
            for piece in block.text.split("\t"):
                assert " ".join(piece.split()) in read[parts.path].text


async def test_every_quote_stands_on_the_page_that_is_cited(client, sample_passages):
    read = await pages(client, [passage.url for passage in sample_passages])
    for passage in sample_passages:
        for word in ("sensor", "water", "card", "none"):
            parts = quoting.book(Found((), {word: 1.0}, (Hit(passage, 1.0, 1.0),)))
            (citation,) = (part for part in parts if isinstance(part, Citation))
            assert citation.quote in passage.text
            assert " ".join(citation.quote.split()) in read[urlsplit(citation.url).path].text


async def test_every_link_within_the_book_leads_somewhere(client):
    start = Read((await client.get("/book/")).text)
    read = await pages(client, [link for link in start.links if link.startswith("/book")])
    assert len(read) == 11
    for path, page in read.items():
        for link in page.links:
            target = urlsplit(urljoin(path, link))
            if not target.netloc:
                assert target.path in read
                assert not target.fragment or target.fragment in read[target.path].ids


async def test_the_root_leads_to_the_book_and_a_missing_page_back_to_it(client):
    response = await client.get("/", follow_redirects=True)
    assert (response.status_code, response.url.path) == (200, "/book/")
    assert (await client.get("/book")).status_code == 200
    for path in ("/book/none", "/sensors", "/bookish", "/book/../x", "/book/%00"):
        missing = await client.get(path)
        assert missing.status_code == 404
        assert 'href="/book/"' in missing.text
        assert "none" not in Read(missing.text).text


async def test_a_page_runs_the_widget_and_loads_nothing_of_others(client):
    page = await client.get("/book/storage")
    assert page.headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src http://127.0.0.1:8000 http://127.0.0.1:8001; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    )
    assert re.findall(r"<script[^>]*>", page.text) == ['<script type="module" src="/chatgate-widget.js">']
    assert not re.search(r"\sstyle=|\son\w+=", page.text)
    (style,) = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page.text)
    assert (await client.get(style)).headers["content-type"].startswith("text/css")
    script = await client.get("/chatgate-widget.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.content == (ASSETS / "chatgate-widget.js").read_bytes()
    assert (await client.get("/chatgate-widget.licences.txt")).status_code == 200


async def test_every_page_says_that_it_has_no_icon(client):
    # A browser asks for /favicon.ico otherwise, and shows the 404 in its console.
    for path in ("/book/storage", "/book/none"):
        page = await client.get(path)
        assert '<link rel="icon" href="data:,">' in page.text
        assert "img-src 'self' data:;" in page.headers["content-security-policy"]


async def test_the_widget_is_told_where_and_how_to_ask(client):
    page = await client.get("/book/storage")
    (attributes,) = re.findall(r"<chatgate-widget ([^>]*)></chatgate-widget>", page.text)
    assert dict(re.findall(r'([a-z-]+)="([^"]*)"', attributes)) == {
        "backend-url": "http://127.0.0.1:8001",
        "broker-url": "http://127.0.0.1:8000",
        "client-id": "docs",
        "auth": "guest",
        "base-url": "/book/",
        "callback-url": "/chatgate-callback.html",
    }
    assert "chatgate-widget" not in (await client.get("/book/none")).text


async def test_the_callback_page_runs_its_own_script_and_nothing_else(client):
    page = await client.get("/chatgate-callback.html")
    assert page.headers["content-security-policy"] == "frame-ancestors 'none'"
    assert page.text == CALLBACK.read_text()
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]+)">', page.text)
    for tag in ("script", "style"):
        (inline,) = re.findall(f"<{tag}>(.*?)</{tag}>", page.text, re.S)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"; {tag}-src 'sha256-{digest}';" in policy
        # An owner who sends a stricter policy for the whole site copies the hash from there.
        assert tag == "style" or f"'sha256-{digest}'" in GUIDE.read_text()
    assert policy.startswith("default-src 'none';")


async def test_text_cannot_become_markup(tmp_path):
    text = '# A <b>\n\n<script>alert(1)</script> `<i>` &lt;u&gt; [x](<j&"k.md>)\n\n'
    code = '```\n</code><script>\n```\n\n## "><img {#"onload=x}'
    table = "---\ntitle: '<script>'\n---\n| a |\n|:-:|\n| b |"
    write(tmp_path / "docs", {"a.md": text + code, "b.md": table})
    async with client_of(tmp_path) as client:
        for path in ("/docs/a", "/docs/b"):
            page = (await client.get(path)).text
            assert page.count("<script") == 1
            assert "<img" not in page
            assert "style=" not in page


async def test_versions_and_a_given_base_url_have_the_paths_of_the_index(tmp_path):
    files = {"docs/01 é.md": "new [b](./b.md#x)", "docs/b.md": "## X", "versioned_docs/version-1/b.md": "old"}
    write(tmp_path, {**files, "versions.json": '["1"]'})
    index.build(tmp_path, tmp_path / "book.db", base_url="/my/")
    with index.opened(tmp_path / "book.db") as connection:
        urls = [url for (url,) in connection.execute("select distinct url from passages")]
    async with client_of(tmp_path, "/my/") as client:
        assert set(await pages(client, urls)) == {"/my/docs/b", "/my/docs/next/01%20%C3%A9"}
        assert 'href="/my/docs/next/b#x"' in (await client.get("/my/docs/next/01%20%C3%A9")).text
        assert (await client.get("/my/", follow_redirects=True)).url.path == "/my/docs/b"
