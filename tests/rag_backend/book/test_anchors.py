import pytest

from rag_backend.book import mdx, plain_text

# In this order on one page built by Docusaurus 3.10.2.
ONE_PAGE = [
    ("# Top title", "top-title"),
    ("## Top title", "top-title-1"),
    ("## Setup", "setup"),
    ("### Setup", "setup-1"),
    ("## Setup 1", "setup-1-1"),
    ("## setup-1", "setup-1-2"),
    ("## Setup", "setup-2"),
    ("## C++ & C#", "c--c"),
    ("## `code` in *a* **heading**", "code-in-a-heading"),
    ("## A [link](https://example.org) here", "a-link-here"),
    ("## Über straße Ünï", "über-straße-ünï"),
    ("## 日本語 の 見出し", "日本語-の-見出し"),
    ("## Emoji 🎉 party", "emoji--party"),
    ("## :tada: short", "tada-short"),
    ("## 10:30 meeting host:port", "1030-meeting-host"),
    ("## foo:bar[label] end", "foolabel-end"),
    ('## What\'s "this"? (really!)', "whats-this-really"),
    ("## a -- b — c", "a----b--c"),
    ("## Trailing space   ", "trailing-space"),
    ("## Under_score and dot.dot", "under_score-and-dotdot"),
    ("## ÀÉ ½ ² Ⅷ ⓐ", "àé---ⅷ-ⓐ"),
    ("## Tom &amp; Jerry &copy;", "tom--jerry-"),
    ("## <kbd>Ctrl</kbd> + C", "ctrl--c"),
    ("## Value {1 + 2} here", "value-1--2-here"),
    ("## Text {'lit eral'} x", "text-lit-eral-x"),
    ("## Explicit {#my-id}", "my-id"),
    ("## Explicit again {#my-id}", "my-id"),
    ("## My id", "my-id"),
    ("## my-id", "my-id-1"),
    ("## With code `x` {#with_code}", "with_code"),
    ("## Comment id {/* #comment-id */}", "comment-id"),
    ("## Comment two {/* #first second */}", "first"),
    ("## Comment none {/* nothing */}", "comment-none--nothing-"),
    ("## Upper {#CamelCase}", "CamelCase"),
    ("## Escaped \\{#not}", "not"),
    ("## {#only}", "only"),
    ("Setext\nheading\n---", "setextheading"),
    (":::note\n\n## In a note\n\n:::", "in-a-note"),
    ("> ## In a quote", "in-a-quote"),
    ("- ## In a list", "in-a-list"),
    ("<details>\n\n## In details\n\n</details>", "in-details"),
    ("## ![alt text](a.png) pic", "alt-text-pic"),
    ("## ~~struck~~ ok", "struck-ok"),
    ("## !!!", ""),
    ("## ???", "-1"),
]


def anchors_of(text):
    return [section.anchor for section in plain_text.sections(mdx.parse(text))[1:]]


def test_a_page_has_the_anchors_that_docusaurus_gives_it():
    page = "\n\n".join(source for source, _ in ONE_PAGE)
    assert anchors_of(page) == [anchor for _, anchor in ONE_PAGE]


@pytest.mark.parametrize(
    ("source", "heading", "anchor"),
    [
        ("## Parts list {#parts}", "Parts list", "parts"),
        ("## With `code` {#parts}", "With code", "parts"),
        ("## Parts list {/* #parts */}", "Parts list", "parts"),
        ("## Parts list <!-- #parts -->", "Parts list", "parts"),
        ("## Braces {} stay {#id}", "Braces stay", "id"),
        ("## Not at its end {#id} here", "Not at its end {#id} here", "not-at-its-end-id-here"),
    ],
)
def test_an_explicit_id_is_no_part_of_the_heading(source, heading, anchor):
    section = plain_text.sections(mdx.parse(source))[1]
    assert (section.heading, section.anchor) == (heading, anchor)


def test_each_page_counts_its_own_duplicates():
    assert anchors_of("## Setup") == anchors_of("## Setup") == ["setup"]
