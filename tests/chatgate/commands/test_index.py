import json
import os
from pathlib import Path

import pytest

from chatgate.commands.index import SAMPLE_QUESTION, index_book, is_stale, sample_book, settle_base_url
from chatgate.faults import Fault
from rag_backend.search.query import search
from tests.chatgate.command_line import said
from tests.rag_backend.books import write


@pytest.fixture
def book(tmp_path):
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "one.md").write_text("# One\n\nThe first page speaks of lighthouses.\n")
    return pages


@pytest.fixture
def index(tmp_path, book):
    made = tmp_path / "book.db"
    index_book(book, made)
    return made


def test_an_index_is_good_while_nothing_changes(book, index):
    assert not is_stale(book, index)


def test_an_index_that_is_missing_or_none_is_stale(book, index):
    index.write_bytes(b"no index")
    assert is_stale(book, index)
    index.unlink()
    assert is_stale(book, index)


def test_a_changed_an_added_and_a_removed_page_make_it_stale(book, index):
    (book / "one.md").write_text("# One\n\nNow of buoys.\n")
    assert is_stale(book, index)
    index_book(book, index)
    (book / "two.md").write_text("# Two\n\nOf tides.\n")
    assert is_stale(book, index)
    index_book(book, index)
    (book / "two.md").unlink()
    assert is_stale(book, index)


def test_an_older_page_in_the_place_of_one_makes_it_stale(book, index):
    before = (book / "one.md").stat().st_mtime - 3600
    (book / "one.md").write_text("# One\n\nOf anchors.\n")
    os.utime(book / "one.md", (before, before))
    assert is_stale(book, index)


@pytest.mark.parametrize(
    "changed",
    [
        *("docs/a.mdx", "docs/_p.md", "shared/s.md", "website/docusaurus.config.js"),
        *("website/settings.js", "website/settings.json"),
    ],
)
def test_a_change_of_docs_outside_the_site_s_folder_is_seen(tmp_path, changed):
    config = "module.exports = {...require('./settings'), presets: [['classic', {docs: {path: '../docs'}}]]}"
    files = {"website/docusaurus.config.js": config, "shared/s.md": "Shared.", "docs/_p.md": "Part."}
    files["website/settings.js"] = "import {baseUrl} from './settings.json'; export default {baseUrl};"
    files["website/settings.json"] = '{"baseUrl": "/b/"}'
    files["docs/a.mdx"] = "import P from './_p.md';\nimport S from '../shared/s.md';\n\n<P />\n\n<S />"
    write(tmp_path, {**files, ".git/HEAD": ""})
    index_book(tmp_path / "website", tmp_path / "book.db")
    assert not is_stale(tmp_path / "website", tmp_path / "book.db")
    (tmp_path / changed).write_text(files[changed] + "\n\n")
    assert is_stale(tmp_path / "website", tmp_path / "book.db")


def test_a_part_that_was_missing_is_seen_when_it_comes(tmp_path):
    page = "import S from '../shared/s.md';\n\nOf lighthouses.\n\n<S />"
    write(tmp_path, {"docs/a.mdx": page, ".git/HEAD": ""})
    index_book(tmp_path / "docs", tmp_path / "book.db")
    assert not is_stale(tmp_path / "docs", tmp_path / "book.db")
    write(tmp_path, {"shared/s.md": "Of buoys."})
    assert is_stale(tmp_path / "docs", tmp_path / "book.db")


def test_files_that_a_site_builds_are_not_the_book(book, index):
    (book / "node_modules").mkdir()
    (book / "node_modules" / "new.md").write_text("# New\n")
    assert not is_stale(book, index)


def test_the_index_of_another_book_is_stale(book, index, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    assert is_stale(other, index)


def test_a_folder_without_pages_leaves_the_index(book, index, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(Fault):
        index_book(tmp_path / "empty", index)
    assert not is_stale(book, index)


def test_a_base_url_that_is_computed_is_asked_for(tmp_path, monkeypatch):
    site = write(tmp_path, {"docusaurus.config.js": "module.exports = {baseUrl: f()}", "docs/a.md": "x"})
    with pytest.raises(Fault, match="--base-url"):
        settle_base_url(site, None, str)
    assert settle_base_url(site, "/b/", str) == "/b/"
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    assert settle_base_url(site, None, lambda _: "/asked/") == "/asked/"


def test_the_command_tells_scripts_what_was_read_assumed_and_left_out(tmp_path):
    docs = write(tmp_path / "docs", {"a.md": "# A\n\nThe kiwi.", "b.md": "---\nunlisted: true\n---\nx"})
    told = json.loads(said("index", str(docs), "--into", str(tmp_path / "book.db"), "--json"))
    assert (told["pages"], told["first_page"]) == (1, "/docs/a")
    assert told["warnings"] == ["b.md is unlisted, and left out."]
    assert any("--base-url" in line for line in told["assumed"])
    assert told["read"] == [f"{docs} as /docs/"]


def test_the_sample_book_answers_the_question_that_is_suggested(tmp_path):
    index_book(sample_book(Path.cwd()), tmp_path / "book.db")
    [best, *_] = search(tmp_path / "book.db", SAMPLE_QUESTION).hits
    assert best.passage.title.endswith("How often to calibrate")
