import aiohttp
import pytest

from rag_backend.answers import answer, quoting, tasks
from rag_backend.answers.parts import Citation, Delta
from rag_backend.answers.questions import Question
from rag_backend.answers.sentences import ENGLISH
from rag_backend.book.plain_text import Block
from rag_backend.search import extract, index
from rag_backend.search.extract import Asked
from tests.rag_backend.books import write

LONG_CODE = "\n".join(f"line_{number} = {number}" for number in range(60))
PAGES = {
    "01-start.md": "# The pump\n\nThis handbook is about a water pump.\n\n## Parts\n\nIt has a motor.",
    "02-steps.md": """# Starting

Before the start open these valves, in this order:

1. The inlet valve.
2. The outlet valve.

   It turns hard in winter.
3. The bypass valve.

The gauge then shows two bars.
""",
    "03-table.md": """# Pressures

| Place | Bars |
| --- | --- |
| Cellar | 3 |
| Attic | 1 |
""",
    "04-code.md": f"""# Script

The program is long:

```python
{LONG_CODE}
```

## Short

Call the calibration so:

```sh
pump calibrate --all
```

That takes a minute.
""",
    "05-motor.md": "# Motor\n\n## Oil\n\nThe motor wants oil.\n\n"
    "## Noise\n\nA loud motor lacks oil, so add motor oil.",
}


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pump")
    index.build(write(folder / "docs", PAGES), folder / "book.db")
    return folder / "book.db"


def parts(book, message):
    return list(quoting.book(answer.find(book, Question(message, False, "", ()))))


def text(book, message):
    return "".join(part.text for part in parts(book, message) if isinstance(part, Delta))


def test_a_sentence_with_a_colon_stays_with_its_steps_and_their_numbers(book):
    shown = text(book, "Which valves do I open before the start?")
    assert (
        "Before the start open these valves, in this order:\n\n"
        "1. The inlet valve.\n2. The outlet valve.\n\nIt turns hard in winter.\n\n3. The bypass valve.\n\n"
        "The gauge then shows two bars." in shown
    )
    assert "Before the start open" in text(book, "bypass")


def test_a_list_within_a_list_is_shown_within_it(tmp_path):
    steps = "Mend the marmot:\n\n- Look:\n  1. Open it:\n     - by hand, or\n     - by foot.\n  2. Close it."
    files = {"a.md": f"# Marmot\n\n{steps}\n- Wait.\n\n1. Rest.\n   - Sleep."}
    index.build(write(tmp_path / "docs", files), tmp_path / "book.db")
    shown = text(tmp_path / "book.db", "How do I mend the marmot?")
    items = "- Look:\n    1. Open it:\n        - by hand, or\n        - by foot.\n    2. Close it.\n- Wait."
    assert f"Mend the marmot:\n\n{items}\n1. Rest.\n    - Sleep." in shown


def test_what_is_shown_of_a_list_begins_without_an_indent():
    blocks = [Block("item", "deep", "    -"), Block("item", "less", "  2."), Block("item", "deep", "    -")]
    shown = extract.lead(blocks, Asked({}))
    assert shown.text == "- deep\n2. less\n    - deep"


def test_rows_are_shown_under_their_header(book):
    assert "| Place | Bars |\n| --- | --- |\n| Cellar | 3 |\n| Attic | 1 |" in text(
        book, "How many bars in the attic?"
    )


def test_code_is_shown_whole_with_its_introduction_or_around_the_match(book):
    assert "Call the calibration so:\n\n```\npump calibrate --all\n```" in text(book, "pump calibrate")
    shown = text(book, "line_40")
    assert "The program is long:" in shown
    assert "```\n...\nline_30 = 30\n" in shown
    assert "line_50 = 50\n...\n```" in shown


def test_each_page_is_cited_once_and_its_heading_is_shown(book):
    answered = parts(book, "motor oil")
    urls = [part.url.partition("#")[0] for part in answered if isinstance(part, Citation)]
    assert urls.count("/docs/motor") == 1
    assert len(set(urls)) == len(urls)
    assert answered[0].text.startswith("**Motor › ")


@pytest.mark.parametrize(
    "message",
    [
        "What is this about?",
        "what's this book about",
        "Worum geht es hier?",
        "这本书讲什么？",
        "ما موضوع الكتاب؟",
        "Overview",
        "So what is all this about?",
        "Um was geht es?",
        "De quoi ça parle ?",
        "¿De qué se trata?",
        "这是什么？",
        "これは何ですか",
    ],
)
def test_a_question_about_all_is_answered_from_the_beginning(book, message):
    assert "This handbook is about a water pump." in text(book, message)


@pytest.mark.parametrize(
    "message", ["What is the gauge about to show?", "What is oil for?", "What is this valve?"]
)
def test_a_question_about_something_is_none_about_all(message):
    assert not tasks.is_about_all(message)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Summarize this", True),
        ("Please summarise the text in two sentences", True),
        ("translate into German", True),
        ("list the steps", True),
        ("Fasse das bitte zusammen", True),
        ("总结一下", True),
        ("要約してください", True),
        ("اس کا خلاصہ کریں", True),
        ("Sum this up, please", True),
        ("List all of the steps", True),
        ("Give me the gist", True),
        ("What are the main points?", True),
        ("Explain like I'm five", True),
        ("Liste die Schritte auf", True),
        ("Erkläre mir das einfacher", True),
        ("Énumère les étapes", True),
        ("Enumera los pasos", True),
        ("Liste os passos", True),
        ("Перечисли шаги", True),
        ("اذكر الخطوات", True),
        ("مراحل کی فہرست بنائیں", True),
        ("列出步骤", True),
        ("把这段话翻成英文", True),
        ("手順を一覧にして", True),
        ("How do I translate addresses?", False),
        ("Where is the outline stored?", False),
        ("What does the summary show?", False),
        ("Which steps come first?", False),
        ("What is the first step?", False),
        ("How is the list sorted?", False),
    ],
)
def test_tasks_are_told_from_questions(message, expected):
    assert tasks.is_task(message) is expected


SELECTION = "The pump starts by itself. It stops at three bars. Then the valve closes."


@pytest.mark.parametrize(
    ("message", "begins", "ends"),
    [
        ("When does it stop?", "It stops at three bars.", ENGLISH.from_selection),
        ("Who invented radio?", ENGLISH.beginning, ENGLISH.from_selection),
        ("Summarise this", ENGLISH.beginning, ENGLISH.needs_model),
    ],
)
def test_a_short_selection_is_never_refused(message, begins, ends):
    answered = quoting.selection(Question(message, True, SELECTION, ()))
    assert answered.startswith(begins)
    assert answered.endswith(ends)


async def test_a_selection_is_quoted_where_the_book_has_nothing(book):
    selected = "The marmot whistles. Its burrow has eleven exits. It sleeps from October on."

    async def said(message: str, selected: str) -> str:
        async with aiohttp.ClientSession() as http:
            parts = answer.answer(Question(message, False, selected, ()), answer.Sources(book, None, http))
            return "".join([part.text async for part in parts if isinstance(part, Delta)])

    assert (await said("How many exits does the burrow have?", selected)).startswith("Its burrow has eleven")
    assert (await said("How many exits does the burrow have?", "")) == ENGLISH.nothing
    long = "The marmot whistles. " * 20
    assert (await said("Who invented radio?", long)) == ENGLISH.nothing


def test_a_colon_in_a_selection_stays_with_its_list():
    selected = "The parts are:\nA motor\nA hose\n" + "Then more follows here. " * 30
    assert "A hose" in quoting.selection(Question("Which parts?", True, selected, ()))


def test_fixed_sentences_are_in_the_book_s_language(tmp_path):
    docs = write(
        tmp_path / "docs",
        {"a.md": "# Die Pumpe\n\nDie Pumpe ist im Keller und läuft mit Strom aus dem Netz."},
    )
    index.build(docs, tmp_path / "book.db")
    assert text(tmp_path / "book.db", "Wo ist die Pumpe?").endswith("ist hier nicht eingerichtet.")
    assert text(tmp_path / "book.db", "Kernphysik").startswith("Das Buch beantwortet das nicht")
