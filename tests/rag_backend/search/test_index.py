import sqlite3

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from rag_backend.answers import quoting
from rag_backend.answers.parts import Citation, Delta
from rag_backend.book.docusaurus.site import BookError
from rag_backend.search import index
from rag_backend.search.index import IndexUnavailable
from rag_backend.search.query import search
from tests.rag_backend.books import SAMPLE, write


def first_url(path, question, context=""):
    hits = search(path, question, context).hits
    return hits[0].passage.url if hits else None


def cited(path, question):
    return [part.url for part in quoting.book(search(path, question)) if isinstance(part, Citation)]


@pytest.mark.parametrize(
    ("question", "url"),
    [
        ("How often should I calibrate the sensor?", "/book/calibration#how-often-to-calibrate"),
        ("What capacity must the battery have?", "/book/power#battery"),
        ("Why must I not charge a CR2032?", "/book/time#rtc"),
        ("How do I recover a malformed database?", "/book/troubleshooting#the-card-is-full-or-broken"),
        ("What is the speed of sound in air?", "/book/sensors#ultrasonic-sensors"),
        ("What is a datum?", "/book/calibration#the-datum"),
        ("Which panel do I need in Genoa?", "/book/power#sizing-the-panel"),
        ("Wi-Fi power saving", "/book/networking#setting-up-the-line"),
        ("How do I throw out outliers?", "/book/sampling#outliers"),
    ],
)
def test_a_question_finds_the_section_that_answers_it(sample_index, question, url):
    assert cited(sample_index, question)[0] == url


@pytest.mark.parametrize(
    "question",
    [
        "Who won the world cup in 2022?",
        "What is the capital of France?",
        "capital of France",
        "How tall is Mount Everest?",
        "How do I train a neural network?",
        "Who's who, and isn't it?",
        "what is it?",
        "?!",
        "“”",
    ],
)
def test_a_question_that_the_book_does_not_answer_finds_nothing(sample_index, question):
    assert search(sample_index, question).hits == ()


@pytest.mark.parametrize(
    ("question", "url"),
    [
        ("perlite", "/docs/insulation#perlite"),
        ("What does perlite cost?", "/docs/insulation#perlite"),
        ("How much money does a sack of perlite usually cost?", "/docs/insulation#perlite"),
        ("pizza", "/docs/baking#pizza"),
        ("What temperature for pizza?", "/docs/baking#pizza"),
        ("Pizza temperature", "/docs/baking#pizza"),
        ("Can I bake pizza or bread in the oven?", "/docs/baking#bread"),
    ],
)
def test_words_that_the_book_does_not_have_are_no_veto(oven_index, question, url):
    assert url in cited(oven_index, question)


@pytest.mark.parametrize(
    "question", ["What is the capital of France?", "oven microwave", "Which oven suits my microwave dinner?"]
)
def test_words_of_half_the_book_do_not_carry_a_question_that_is_not_of_it(oven_index, question):
    assert search(oven_index, question).hits == ()


def test_a_selected_text_says_what_a_question_is_about(sample_index):
    context = "A CR2032 must not be charged: it leaks or bursts."
    assert first_url(sample_index, "What does this mean?", context) == "/book/time#rtc"


@given(
    st.text(max_size=200) | st.text(alphabet="\"*()^:-+{}AND OR NEAR'\0_².", max_size=40),
    st.text(max_size=50),
)
@example('" OR *', "")
@example("NEAR(a b, 2) AND NOT title:x", "")
@example("_ ² ½ \u0345", "")
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_a_question(sample_index, question, context):
    search(sample_index, question, context)


def test_quotes_are_exact_and_urls_carry_anchors(sample_index):
    found = search(sample_index, "database power cut battery radar beam level datum card")
    citations = [part for part in quoting.book(found) if isinstance(part, Citation)]
    passages = {hit.passage.url: hit.passage for hit in found.hits}
    assert citations
    assert all(citation.quote and citation.quote in passages[citation.url].text for citation in citations)


def quoted(path, question):
    parts = list(quoting.book(search(path, question)))
    first = parts[0]
    assert isinstance(first, Delta)
    return first.text, next(part.quote for part in parts if isinstance(part, Citation))


@pytest.mark.parametrize("question", ["Can I buy second-hand bricks?", "buy second-hand"])
def test_a_title_is_quoted_with_the_text_that_it_is_the_title_of(oven_index, question):
    text, quote = quoted(oven_index, question)
    assert "**Buy second-hand**\n\nOld bricks" in text
    assert quote.startswith("Old bricks from a demolition yard")


def test_a_heading_whose_anchor_an_earlier_one_has_is_cited_as_its_page(tmp_path):
    """Docusaurus counts no explicit id: both get `install`, and a browser goes to the first."""
    source = "## Set-up {#install}\n\nPeel a kiwi.\n\n## Install\n\nSlice a mango.\n\n## Eat\n\nChew a fig."
    index.build(write(tmp_path / "docs", {"a.md": source}), tmp_path / "book.db")
    assert first_url(tmp_path / "book.db", "How do I peel a kiwi?") == "/docs/a#install"
    assert first_url(tmp_path / "book.db", "How do I slice a mango?") == "/docs/a"
    assert first_url(tmp_path / "book.db", "How do I chew a fig?") == "/docs/a#eat"


@pytest.mark.parametrize(
    "source",
    [
        "## The kiwi\n\n:::tip[Peeling a kiwi]\n\nUse a spoon.\n\n:::",
        "## Fruit\n\n<details>\n<summary>Peeling a kiwi</summary>\n\nUse a spoon.\n\n</details>",
        "## Fruit\n\n::::tip[Peeling a kiwi]\n:::note[Or two]\n- Use a spoon.\n:::\n::::",
        f"## Fruit\n\n{'x' * 1490}\n\n:::tip[Peeling a kiwi]\nUse a spoon.\n:::",
    ],
)
def test_no_title_is_quoted_alone(tmp_path, source):
    index.build(write(tmp_path / "docs", {"a.md": source}), tmp_path / "book.db")
    text, quote = quoted(tmp_path / "book.db", "How do I peel a kiwi?")
    assert "Peeling a kiwi" in text
    assert quote == "Use a spoon."


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("How do I install it on macOS?", "Drag the image into Applications."),
        ("How do I install it on Windows?", "Run the installer and restart."),
    ],
)
def test_a_tab_is_found_by_its_label_and_quoted_without_its_neighbours(tmp_path, question, quote):
    source = """## Install

<Tabs>
<TabItem value="win" label="Windows">

Run the installer and restart.

</TabItem>
<TabItem value="mac" label="macOS">

Drag the image into Applications.

</TabItem>
</Tabs>"""
    index.build(write(tmp_path / "docs", {"a.mdx": source}), tmp_path / "book.db")
    assert quoted(tmp_path / "book.db", question)[1] == quote


def test_a_title_without_text_is_quoted_as_it_is(tmp_path):
    docs = write(tmp_path / "docs", {"a.md": ":::tip[Peel a kiwi]\n\n![How](how.png)\n\n:::"})
    index.build(docs, tmp_path / "book.db")
    assert quoted(tmp_path / "book.db", "kiwi")[1] == "Peel a kiwi"


@pytest.mark.parametrize(
    ("question", "row"),
    [
        ("How many fire bricks do I need?", "Fire brick\t120\tthe floor and the dome of the oven"),
        ("Which bricks are for the stand?", "Red brick\t80\tthe stand"),
        ("How many sacks of cement?", "Cement\t2"),
    ],
)
def test_a_quote_from_a_table_is_the_whole_row(oven_index, question, row):
    text, quote = quoted(oven_index, question)
    assert quote == row
    assert all(cell in text for cell in row.split("\t"))


def test_a_build_reports_its_progress_and_what_it_did(tmp_path):
    seen = []
    ticks = iter([100.0, 102.5])
    summary = index.build(
        SAMPLE, tmp_path / "new" / "book.db", progress=lambda *at: seen.append(at), clock=lambda: next(ticks)
    )
    assert seen == [(done, 11) for done in range(1, 12)]
    assert (summary.pages, summary.seconds) == (11, 2.5)
    assert summary.passages > 60


def test_a_rebuilt_index_is_used_at_the_next_question_and_a_failed_build_changes_nothing(tmp_path):
    docs, path = tmp_path / "docs", tmp_path / "book.db"
    index.build(write(docs, {"a.md": "## One\n\nThe kiwi is green."}), path)
    with index.opened(path) as old:
        index.build(write(docs, {"a.md": "## Two\n\nThe mango is orange."}), path)
        assert old.execute("select count(*) from words where words match 'kiwi'").fetchone() == (1,)
    assert (first_url(path, "kiwi"), first_url(path, "mango")) == (None, "/docs/a#two")
    write(docs, {"a.md": "---\n: [\n---"})
    with pytest.raises(BookError):
        index.build(docs, path)
    assert first_url(path, "mango") == "/docs/a#two"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["book.db", "docs"]


def test_a_build_names_the_page_that_another_one_hides(tmp_path):
    docs = write(tmp_path / "docs", {"a.md": "The kiwi.", "b.md": "---\nslug: a\n---\nThe mango."})
    (warning,) = index.build(docs, tmp_path / "book.db").warnings
    assert "b.md" in warning
    assert first_url(tmp_path / "book.db", "mango") is None


def test_a_target_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BookError, match=r"book\.db cannot be written"):
        index.build(SAMPLE, tmp_path / "file" / "book.db")


def test_unlisted_pages_stay_out_and_an_empty_book_is_refused(tmp_path):
    docs = write(tmp_path / "docs", {"a.md": "---\nunlisted: true\n---\nThe kiwi."})
    with pytest.raises(BookError, match="no text"):
        index.build(docs, tmp_path / "book.db")


def test_an_older_version_answers_what_the_first_one_does_not(tmp_path):
    files = {
        "versioned_docs/version-2/a.md": "The mango.",
        "versioned_docs/version-1/a.md": "The mango and the kiwi.",
    }
    write(tmp_path, {**files, "docs/a.md": "The mango.", "versions.json": '["2", "1"]'})
    index.build(tmp_path, tmp_path / "book.db")
    assert cited(tmp_path / "book.db", "mango") == ["/docs/a"]
    assert cited(tmp_path / "book.db", "kiwi") == ["/docs/1/a"]


def test_a_word_of_an_older_version_alone_does_not_speak_for_the_first_one(tmp_path):
    files = {
        "versioned_docs/version-2/a.md": "Settings of the mango.",
        "versioned_docs/version-1/a.md": "Settings of the mango, the kiwi and the papaya.",
    }
    write(tmp_path, {**files, "docs/a.md": "Settings of the mango.", "versions.json": '["2", "1"]'})
    index.build(tmp_path, tmp_path / "book.db")
    assert cited(tmp_path / "book.db", "settings of the mango") == ["/docs/a"]
    assert cited(tmp_path / "book.db", "kiwi and papaya settings") == ["/docs/1/a"]


def test_an_origin_makes_citations_absolute(tmp_path):
    index.build(
        write(tmp_path / "docs", {"a.md": "The kiwi."}), tmp_path / "book.db", origin="https://example.org/"
    )
    assert first_url(tmp_path / "book.db", "kiwi") == "https://example.org/docs/a"


@pytest.mark.parametrize("content", [None, b"", b"not a database" * 100, "other format"])
def test_an_index_that_cannot_be_read_says_what_to_do(tmp_path, content):
    path = tmp_path / "book.db"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content:
        sqlite3.connect(path).execute("pragma user_version = 99").connection.close()
    with pytest.raises(IndexUnavailable, match="chatgate index"):
        search(path, "kiwi")
