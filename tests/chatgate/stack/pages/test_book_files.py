from urllib.parse import unquote

import httpx
import pytest

from chatgate.environment import CALLBACK_PATH
from chatgate.stack.pages import book_files
from chatgate.stack.pages.book_site import CALLBACK, NO_ICON, create_page_app
from rag_backend.book import pages
from rag_backend.book.docusaurus import site
from rag_backend.book.docusaurus.site import BookError
from tests.rag_backend.books import SAMPLE, write


def file_for(out, path):
    """As a web server looks for it: the path itself, with .html, with /index.html."""
    below = unquote(path).lstrip("/")
    tried = [out / below, out / f"{below}.html", out / below / "index.html"]
    return next(one for one in tried if one.is_file())


async def test_each_page_is_a_file_as_it_would_be_served(tmp_path):
    book_files.write(SAMPLE, tmp_path)
    transport = httpx.ASGITransport(create_page_app(SAMPLE, book_files.SAME_ORIGIN))
    async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
        urls = [page.url for page in pages.read(site.find(SAMPLE))]
        for url in [*urls, "/book/page.css", CALLBACK_PATH, "/chatgate-widget.js"]:
            served = (await client.get(url)).raise_for_status()
            assert file_for(tmp_path, url).read_text() == served.text
        assert (tmp_path / "404.html").read_text() == (await client.get("/book/nothing")).text
    assert len(urls) > 5
    assert 'backend-url="/" broker-url="/"' in file_for(tmp_path, urls[0]).read_text()
    assert file_for(tmp_path, CALLBACK_PATH).read_bytes() == CALLBACK.read_bytes()


def test_the_root_leads_to_the_book(tmp_path):
    book_files.write(SAMPLE, tmp_path)
    page = (tmp_path / "index.html").read_text()
    assert 'content="0; url=/book/"' in page
    assert NO_ICON in page


def test_a_page_that_leads_out_of_the_folder_is_refused(tmp_path):
    folder = tmp_path / "book"
    write(folder, {"docs/a.md": "---\nslug: /%2e%2e/%2e%2e/%2e%2e/x\n---\n# A\n\nText."})
    with pytest.raises(BookError, match="leads out"):
        book_files.write(folder, tmp_path / "out")
    assert not (tmp_path / "x.html").exists()
