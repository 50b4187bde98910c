import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag_backend import book, mdx, plain_text

PIECES = st.sampled_from(
    [
        *(
            ":::note[",
            "]\n",
            ":::\n",
            "::::tip x\n",
            "<Tabs>",
            "</Tabs>",
            "<a b={",
            "}}",
            "{",
            "{/*",
            "*/}",
            "{#",
        ),
        *(
            "import a from 'b'\n",
            "export const x = {\n",
            '```py title="x"\n',
            "```\n",
            "| a |\n|---|\n| c |\n",
        ),
        *(
            "# ",
            "## ",
            "- ",
            "> ",
            "    ",
            "[^1]",
            "[^1]: note\n",
            "<details>\n<summary>",
            "<!--",
            "-->",
            "`",
            "\0",
        ),
        *("\n\n", "*"),
    ]
)


def text_of(source):
    return [block.text for section in plain_text.sections(mdx.parse(source)) for block in section.blocks]


@given(st.text(max_size=300) | st.lists(PIECES | st.text(max_size=5), max_size=30).map("".join))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_document(source):
    plain_text.sections(mdx.parse(source))


@given(
    st.lists(
        st.sampled_from(
            ["---\n", "a: b\n", "- c\n", "&x [*x]\n", "? :\n", "!!python/object:os.x\n", "2026-99-99\n"]
        )
    )
)
@settings(deadline=None)
def test_any_front_matter_is_read_or_refused(lines):
    try:
        members, _ = book.split_front_matter("".join(lines))
    except ValueError:
        return
    assert isinstance(members, dict)


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ("import Tabs from '@theme/Tabs';\nimport X from './x';\n\nSeen.", ["Seen."]),
        ("export const limit = {\n  a: 1};\n\nSeen.", ["Seen."]),
        ("It is important to import early.", ["It is important to import early."]),
        (
            "<Tabs>\n  <TabItem label={'x > y'}>\n\n    Indented *text*.\n\n  </TabItem>\n</Tabs>",
            ["Indented text."],
        ),
        ("Press <kbd>Ctrl</kbd> now.", ["Press Ctrl now."]),
        ("One<br/>two", ["One", "two"]),
        ('<Box\n  a="1"\n  b={{c: 2}}\n>\n\nInside.\n\n</Box>', ["Inside."]),
        ("<Box>Inside.</Box>", ["Inside."]),
        ("{/* hidden\n\nover lines */}\n\nSeen.", ["Seen."]),
        ("Seen {/* hidden */}too, {'and this'}.", ["Seen too, and this."]),
        ("If 1 < 2 and 3 > 2 then {open", ["If 1 < 2 and 3 > 2 then {open"]),
        (":::note[My *title*]\n\nText.\n\n:::", ["My title", "Text."]),
        (":::note Old title\nText.\n:::", ["Old title", "Text."]),
        (":::tip\nText.\n:::\nAfter.", ["Text.", "After."]),
        ("::::note\n\n:::tip\n\nInner.\n\n:::\n\nOuter.\n\n::::", ["Inner.", "Outer."]),
        (":::warning[Open to the end]\n\nText.", ["Open to the end", "Text."]),
        ("<details>\n<summary>More</summary>\n\nHidden text.\n\n</details>", ["More", "Hidden text."]),
        ("- one\n- two\n  still two", ["one", "two still two"]),
        ("| a | b |\n|---|---|\n| 1 | `2` |", ["1\t2"]),
        ("Said[^1].\n\n[^1]: A note.", ["Said.", "A note."]),
        ("```js\nconst a = <b>{c}</b>;\n```", ["const a = <b>{c}</b>;"]),
        ("a  \nb", ["a", "b"]),
        ("![drawing](x.png)", []),
        ("Fish &amp; chips \\*raw\\*", ["Fish & chips *raw*"]),
    ],
)
def test_the_text_is_what_the_page_shows(source, texts):
    assert text_of(source) == texts


def test_code_keeps_its_title_and_rows_their_header():
    tokens = mdx.parse('```py {1,3} title="a b.py"\nx = 1\n```\n\n| n | m |\n|---|---|\n| 1 | 2 |')
    code, row = plain_text.sections(tokens)[0].blocks
    assert (code.kind, code.label, code.text) == ("code", "a b.py", "x = 1")
    assert (row.kind, row.label, row.text) == ("row", "n\tm", "1\t2")


@pytest.mark.parametrize(
    "piece", ["{", "<a ", "<a {", ":::note\n", "> ", "[", "`", "{/*", "- ", "*a ", "<!--"]
)
def test_the_time_to_read_grows_with_the_text(piece):
    begun = time.perf_counter()
    mdx.parse(piece * 3000)
    assert time.perf_counter() - begun < 3
