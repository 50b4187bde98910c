import pytest

from rag_backend.search import evaluation
from rag_backend.search.evaluation import Asked, QuestionsUnreadable


@pytest.mark.parametrize(
    ("url", "page", "expected"),
    [
        ("/docs/intro", "intro", True),
        ("/docs/intro", "/docs/intro", True),
        ("/docs/intro/", "intro", True),
        ("https://x.example/docs/intro#setup", "intro", True),
        ("/docs/intro#setup", "intro#setup", True),
        ("/docs/intro", "intro#setup", False),
        ("/docs/my-intro", "intro", False),
        ("/docs/%C3%BC#%E7%94%B5", "ü#电", True),
    ],
)
def test_a_page_is_the_end_of_a_path(url, page, expected):
    assert evaluation.is_at(url, page) is expected


def test_a_result_counts_hits_refusals_and_times():
    answers = {"a": ["/x", "/y"], "b": ["/y"], "c": [], "d": [], "e": ["/x"]}
    asked = [Asked("a", ("y",)), Asked("b", ("y",)), Asked("c", ("y",)), Asked("d", ()), Asked("e", ())]
    result = evaluation.run(asked, answers.__getitem__)
    assert [result.hits(depth) for depth in (1, 3)] == [1, 2]
    assert (result.refused, result.answered_outside) == (1, 1)
    assert 0 <= result.median_milliseconds <= result.milliseconds(1.0)


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"question": 1, "pages": []}', '{"question": "a", "pages": "b"}']
)
def test_a_line_that_is_no_question_is_named(tmp_path, line):
    path = tmp_path / "q.jsonl"
    path.write_text(f'{{"question": "a", "pages": []}}\n\n{line}\n')
    with pytest.raises(QuestionsUnreadable, match="Line 3"):
        evaluation.read(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(QuestionsUnreadable, match="cannot be read"):
        evaluation.read(tmp_path / "none.jsonl")
    (tmp_path / "q").write_bytes(b"\xff")
    with pytest.raises(QuestionsUnreadable, match="UTF-8"):
        evaluation.read(tmp_path / "q")
