import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag_backend.book import front_matter, mdx, plain_text

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
        members, _ = front_matter.split("".join(lines))
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
            ["x > y", "Indented text."],
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
        ("export const A = () => {\n  const b = {c: 1};\n\n  return <i>{b}</i>;\n};\n\nSeen.", ["Seen."]),
        ("import {\n  a,\n\n  b,\n} from './x';\n\nSeen.", ["Seen."]),
        ("export const s = `a\n\n{b`;\n\nSeen.", ["Seen."]),
        ("export const p = <p>Don't (</p>;\n\nSeen.", ["Seen."]),
        ("<A b={{c: {d: {e: {f: 'g'}}}}} />\n\nSeen.", ["Seen."]),
        ("<A b={`\n{ 'x': {\n\n${c ? `}` : {}}\n`} />\n\nSeen.", ["Seen."]),
        ('<A b="1\n\n2" />\n\nSeen.', ["Seen."]),
        ("{/* a } in it\n\nand hidden */}\n\nSeen.", ["Seen."]),
        ("Seen {/* it's } */}too {'a } b'} {`c`}.", ["Seen too a } b c."]),
        ("{'Seen'}", ["Seen"]),
        ("{open && <b>it's</b>}\n\nSeen.", ["Seen."]),
        ("<style>{`\na {}\n\nb {}\n`}</style>\n\nSeen.", ["Seen."]),
        ("<script>\nhidden\n</script>\n\nSeen <style>not</style>too.", ["Seen too."]),
        ("<>\n\nSeen.\n\n</>", ["Seen."]),
        (
            "Mail <me@example.org> or <https://example.org/{a}>.",
            ["Mail me@example.org or https://example.org/{a}."],
        ),
        ("Press <kbd title='>'>x</kbd> a < b > c", ["Press x a < b > c"]),
        ("$\\frac{a}{b}$ and $x_{ij}$", ["\\frac{a}{b} and x_{ij}"]),
        ("From $5 to $6, or \\$\\{x\\}.", ["From $5 to $6, or ${x}."]),
        ("$$\n\\frac{a}{b}\n$$\n\nSeen.", ["\\frac{a}{b}", "Seen."]),
        ("<table><tr><td>a</td><td>b</td></tr></table>", ["a\tb"]),
        ("<table>\n<tr>\n<td>a</td>\n<td>b</td>\n</tr>\n</table>\n\nc", ["a\tb", "c"]),
        ("<table>\n<tr>\n<td>\n\na\n\nb\n\n</td>\n<td>c</td>\n</tr>\n</table>", ["a b\tc"]),
        ("```mdx-code-block\nimport A from 'a';\n\n<A>\n\nSeen.\n\n</A>\n```", ["Seen."]),
        ("````mdx-code-block\nSeen.\n````\n\nToo.", ["Seen.", "Too."]),
        ("export const f = () => <p>:( it's</p>;\n\nSeen.", ["Seen."]),
        ("export const r = /[({]/;\n\nSeen.", ["Seen."]),
        ("export const a = 1; // (\n\nSeen.", ["Seen."]),
        ("# One\n\nSeen.\n\n# Two\n\nToo.", ["Seen.", "Too."]),
        ("```mermaid\ngraph TD; A-->B;\n```\n\nSeen.", ["Seen."]),
        ("<CodeBlock>\n{`// highlight-next-line\na`}\n</CodeBlock>", ["a"]),
        ("```js\n// highlight-next-line\na\n/* highlight-start */\nb\n```", ["a\nb"]),
        ("```py\na  # highlight-next-line\n# highlight-next-line\nb\n```", ["a  # highlight-next-line\nb"]),
        (":lock: `:lock:` :+1: :nothing-of-this: a:lock:b", ["🔒 :lock: 👍 :nothing-of-this: a🔒b"]),
        ("- [ ] one\n- [x] two [ ]\n- [y] three", ["one", "two [ ]", "[y] three"]),
    ],
)
def test_the_text_is_what_the_page_shows(source, texts):
    assert text_of(source) == texts


TABS = """<Tabs {0}>
<TabItem value="win" label="Windows">

Run it.

</TabItem>
<TabItem value="mac"{1}>

Drag it.

</TabItem>
</Tabs>"""
VALUES = "values={[{label: 'macOS', value: 'mac'}, {value: 'lin', label: `Linux`}]}"


@pytest.mark.parametrize(
    ("source", "titles"),
    [
        (TABS.format("groupId='os'", ""), ["Windows", "mac"]),
        (TABS.format("", " label={'macOS'}"), ["Windows", "macOS"]),
        (TABS.format("", ' label="A &amp; B"'), ["Windows", "A & B"]),
        (TABS.format(VALUES, ""), ["Windows", "macOS"]),
        ('<Tabs><TabItem value="a">Inline.</TabItem><TabItem value="b">Other.</TabItem></Tabs>', ["a", "b"]),
        ('<Admonition type="tip" title="Second-hand">\n\nOld bricks.\n\n</Admonition>', ["Second-hand"]),
        ("<details><summary>More</summary>\n\nHidden.\n\n</details>", ["More"]),
    ],
)
def test_a_label_is_a_title_of_what_it_is_shown_above(source, titles):
    blocks = plain_text.sections(mdx.parse(source))[0].blocks
    assert [block.text for block in blocks if block.kind == "title"] == titles
    assert [block.kind for block in blocks] == ["title", "text"] * len(titles)


def test_a_code_component_is_code():
    source = '<CodeBlock language="js" title="a.js">{`\nconst a = {};\n\nb();\n`}</CodeBlock>'
    (block,) = plain_text.sections(mdx.parse(source))[0].blocks
    assert (block.kind, block.label, block.text) == ("code", "a.js", "const a = {};\n\nb();")


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ("Hello {name}.", ["Hello {name}."]),
        ("import it first.", ["import it first."]),
        ("    x = 1", ["x = 1"]),
        ("<div>\nSeen.\n</div>\n\n<!-- a {\n\nb -->", ["Seen."]),
        ("a <b>bold</b> word<br>next", ["a bold word", "next"]),
    ],
)
def test_markdown_that_is_no_mdx_has_no_code_in_it(source, texts):
    tokens = mdx.parse(source, mdx.Dialect(is_mdx=False))
    assert [block.text for section in plain_text.sections(tokens) for block in section.blocks] == texts


def test_where_a_site_has_formulas_every_pair_of_dollars_is_one():
    tokens = mdx.parse("$a$ from $5 to $6", mdx.Dialect(has_math=True))
    assert plain_text.sections(tokens)[0].blocks[0].text == "a from 5 to 6"


def test_code_keeps_its_title_and_rows_their_header():
    tokens = mdx.parse('```py {1,3} title="a b.py"\nx = 1\n```\n\n| n | m |\n|---|---|\n| 1 | 2 |')
    code, row = plain_text.sections(tokens)[0].blocks
    assert (code.kind, code.label, code.text) == ("code", "a b.py", "x = 1")
    assert (row.kind, row.label, row.text) == ("row", "n\tm", "1\t2")


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "{",
            "<a ",
            "<a {",
            ":::note\n",
            "> ",
            "[",
            "`",
            "{/*",
            "- ",
            "*a ",
            "<!--",
            "{`",
            "{'",
            '<a "',
            "{//",
        ),
        *(
            "$",
            "$$\n",
            "$a",
            "<A {`${",
            "export const a = {\n\n",
            "import a\n\n",
            "<Tabs><TabItem>",
            "<Tabs>\n",
        ),
        *("{'}", ":a:", "- [ ] ", "<a b={'", "{a\n", "<style>"),
    ],
)
def test_the_time_to_read_grows_with_the_text(piece):
    once = seconds_to_read(piece * 1000)
    # Three times the text takes nine times as long where the time grows with its square.
    assert seconds_to_read(piece * 3000) < max(0.5, 6 * once)


def seconds_to_read(text):
    """The seconds of processor time that the reader takes."""
    begun = time.process_time()
    mdx.parse(text)
    return time.process_time() - begun


def test_items_have_their_marks_and_the_paragraph_after_a_list_has_none():
    source = "Do:\n\n3. one\n\n   more\n4. two\n   - deep\n\nAfter.\n\n- a\n\n<ul><li>b</li></ul>"
    blocks = plain_text.sections(mdx.parse(source))[0].blocks
    assert [(block.kind, block.label, block.text) for block in blocks] == [
        ("text", "", "Do:"),
        ("item", "3.", "one"),
        ("text", "", "more"),
        ("item", "4.", "two"),
        ("item", "  -", "deep"),
        ("text", "", "After."),
        ("item", "-", "a"),
        ("item", "-", "b"),
    ]


def test_the_rows_of_a_table_of_tags_are_labelled_by_its_header():
    source = """<table>
<thead>
<tr><th>Part</th><th>Amount</th></tr>
</thead>
<tbody>
<tr>
<th>Brick</th>
<td>

120 of *them*

</td>
</tr>
</tbody>
</table>"""
    blocks = plain_text.sections(mdx.parse(source))[0].blocks
    assert [(block.kind, block.text, block.label) for block in blocks] == [
        ("row", "Brick\t120 of them", "Part\tAmount")
    ]
