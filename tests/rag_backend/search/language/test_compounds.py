import pytest

from rag_backend.search import index
from rag_backend.search.query import search
from tests.rag_backend.books import write

PAGES = {
    "a.md": "# Zertifikate\n\nZertifikate werden sechzig Tage vor dem Ablauf erneuert.",
    "b.md": "# Konten\n\nKonten werden nach fünf Versuchen für eine Stunde gesperrt.",
    "c.md": "# Kessel\n\nDer Druck der Pumpen liegt bei zwei Bar, und die Wartung ist im Herbst.",
}


@pytest.mark.parametrize(
    ("question", "page"),
    [
        ("Was ist der Zertifikatablauf?", "/docs/a"),
        ("Zertifikatsablauf", "/docs/a"),
        ("Wie hoch ist der Pumpendruck?", "/docs/c"),
        ("Wann ist die Kesselwartung?", "/docs/c"),
        ("Gibt es Pflaumenkuchen?", None),
    ],
)
def test_a_compound_is_found_by_other_forms_of_its_parts(tmp_path, question, page):
    index.build(write(tmp_path / "docs", PAGES), tmp_path / "book.db")
    hits = search(tmp_path / "book.db", question).hits
    assert (hits[0].passage.url if hits else None) == page
