import pytest

from rag_backend.book import pages as book
from rag_backend.book import partials, plain_text
from rag_backend.book.docusaurus import site
from rag_backend.book.docusaurus.site import BookError
from tests.rag_backend.books import SAMPLE, write

CLASSIC = "presets: [['classic', {%s}]]"
CONFIGURED = f"module.exports = {{{CLASSIC}}}"


def pages(folder, **options):
    return book.read(site.find(folder, **options))


# Paths as a build by Docusaurus 3.10.2 has them.
@pytest.mark.parametrize(
    ("name", "front", "path"),
    [
        ("intro.md", "", "/docs/intro"),
        ("01-intro.md", "", "/docs/intro"),
        ("003 - my doc.mdx", "", "/docs/my%20doc"),
        ("2021-11-foo.md", "", "/docs/2021-11-foo"),
        ("7.0-foo.md", "", "/docs/7.0-foo"),
        ("7._foo.md", "", "/docs/foo"),
        ("05-keep.md", "parse_number_prefixes: false", "/docs/05-keep"),
        ("01-a/02-b/03-c.md", "", "/docs/a/b/c"),
        ("guide/index.md", "", "/docs/guide/"),
        ("guide/README.mdx", "", "/docs/guide/"),
        ("guide/Guide.md", "", "/docs/guide/"),
        ("index.md", "", "/docs/"),
        ("guide/03-x.md", "id: ident", "/docs/guide/ident"),
        ("guide/x.md", "slug: /top", "/docs/top"),
        ("guide/x.md", "slug: other", "/docs/guide/other"),
        ("guide/sub/x.md", "slug: ../up", "/docs/guide/up"),
        ("guide/x.md", "slug: rel/", "/docs/guide/rel/"),
        ("x.md", "slug: /", "/docs/"),
        ("ünï x.md", "", "/docs/%C3%BCn%C3%AF%20x"),
    ],
)
def test_a_file_has_the_path_that_docusaurus_gives_it(tmp_path, name, front, path):
    write(tmp_path, {f"docs/{name}": f"---\n{front}\n---\ntext"})
    assert [page.url for page in pages(tmp_path)] == [path]


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ("baseUrl: '/book/',", "/book/docs/a"),
        ('"baseUrl": "/book",', "/book/docs/a"),
        ("baseUrl: `/book/`, presets: [['classic', {docs: {routeBasePath: '/'}}]]", "/book/a"),
        (CLASSIC % "blog: {routeBasePath: '/news'}, docs: {routeBasePath: 'manual'}", "/manual/a"),
        ("plugins: [['@docusaurus/plugin-content-docs', {routeBasePath: 'manual'}]]", "/manual/a"),
        ("// baseUrl: '/old/',\n baseUrl: '/book/', url: 'https://x.example',", "/book/docs/a"),
        ("baseUrl: process.env.BASE,", "/docs/a"),
        ("trailingSlash: true,", "/docs/a/"),
        (CLASSIC % "docs: {versions: {current: {label: 'Main', path: 'main'}}}", "/docs/main/a"),
        (CLASSIC % "docs: {versions: {current: {path: 'main'}}, routeBasePath: 'x'}", "/x/main/a"),
        (CLASSIC % "docs: {a: '}', sidebar: {path: 'other'}, routeBasePath: 'manual'}", "/manual/a"),
    ],
)
@pytest.mark.parametrize("name", ["docusaurus.config.js", "docusaurus.config.ts"])
def test_literal_values_of_the_configuration_are_read(tmp_path, config, path, name):
    write(tmp_path, {name: f"export default {{ {config} }}", "docs/a.md": "text"})
    assert pages(tmp_path)[0].url == path
    assert pages(tmp_path / "docs")[0].url == path


def test_options_come_before_the_configuration(tmp_path):
    write(tmp_path, {"docusaurus.config.js": "module.exports = {baseUrl: '/book/'}", "docs/a.md": "text"})
    assert pages(tmp_path, base_url="other", route="/")[0].url == "/other/a"


def test_the_root_keeps_its_slash_where_others_lose_it():
    assert [page.url for page in pages(SAMPLE)][:2] == ["/book/", "/book/sensors"]


def test_the_last_version_stands_at_the_root_and_the_current_one_at_next(tmp_path):
    files = {
        "docs/a.md": "new",
        "versioned_docs/version-2.0/a.md": "two",
        "versioned_docs/version-1.0/a.md": "one",
    }
    write(tmp_path, {**files, "versions.json": '["2.0", "1.0"]'})
    assert [page.url for page in pages(tmp_path)] == ["/docs/a", "/docs/next/a", "/docs/1.0/a"]
    write(
        tmp_path,
        {"docusaurus.config.js": CONFIGURED % "docs: {lastVersion: 'current'}"},
    )
    assert [page.url for page in pages(tmp_path)] == ["/docs/a", "/docs/2.0/a", "/docs/1.0/a"]


def test_drafts_and_partials_are_no_pages_and_unlisted_ones_are_marked(tmp_path):
    files = {
        "a.md": "---\ndraft: true\n---\nx",
        "_b.mdx": "x",
        "_c/d.md": "x",
        "e.md": "---\nunlisted: true\n---\nx",
    }
    write(tmp_path, {**files, "f.md": "x"})
    assert [(page.source, page.listed) for page in pages(tmp_path)] == [("e.md", False), ("f.md", True)]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("---\ntitle: From front matter\n---\n# Heading", "From front matter"),
        ("---\ntitle: 2026\n---\n", "2026"),
        ("---\ntitle: ''\n---\n# Heading", ""),
        ("---\ntitle: 1:30\n---\n", "1:30"),
        ("---\ntitle: No\n---\n", "No"),
        ("---\ntitle: 2026-01-02\n---\n", "2026-01-02"),
        ("# :lock: Safe", "🔒 Safe"),
        ("# Heading `one` {#id}", "Heading one"),
        ("## Second level\n# Heading", "the-file"),
        ("---\nid: ident\n---\ntext", "ident"),
        ("\ufeff---\ntitle: After a byte order mark\n---\n", "After a byte order mark"),
    ],
)
def test_a_page_has_the_title_that_docusaurus_gives_it(tmp_path, text, title):
    write(tmp_path, {"04-the-file.md": text})
    assert pages(tmp_path)[0].title == title


def test_pages_come_in_the_order_of_the_sidebar(tmp_path):
    files = {
        "b.md": "x",
        "02-c.md": "x",
        "a.md": "---\nsidebar_position: 1.5\n---\nx",
        "01-d.md": "x",
        "03-e/1-f.md": "x",
    }
    write(tmp_path, files)
    assert [page.source for page in pages(tmp_path)] == ["01-d.md", "a.md", "02-c.md", "03-e/1-f.md", "b.md"]


def test_a_book_begins_with_its_home_and_a_folder_with_its_index(tmp_path):
    files = {"docs/api.md": "1", "docs/guide/a.md": "2", "docs/guide/readme.md": "3", "docs/start.md": "4"}
    files |= {"docs/zero.md": "---\nslug: /\n---\n5", "docs/01-first.md": "6"}
    write(tmp_path, files)
    assert [page.source for page in pages(tmp_path)] == [
        *("zero.md", "01-first.md", "api.md", "start.md", "guide/readme.md", "guide/a.md")
    ]


def test_a_book_of_several_plugins_begins_with_the_first(tmp_path):
    plugin = "['@docusaurus/plugin-content-docs', {id: 'api', path: 'api', routeBasePath: 'api'}]"
    config = f"module.exports = {{presets: [['classic', {{}}]], plugins: [{plugin}]}}"
    files = {"docusaurus.config.js": config, "api/01-a.md": "x", "docs/b.md": "y"}
    assert [page.url for page in pages(write(tmp_path, files))] == ["/docs/b", "/api/a"]


def test_the_first_of_two_files_with_one_path_is_the_page_and_the_other_is_named(tmp_path):
    write(tmp_path, {"a.md": "---\nslug: same\n---\n# First", "b.md": "---\nslug: same\n---\n# Second"})
    warnings: list[str] = []
    read = book.read(site.find(tmp_path), warn=warnings.append)
    assert [(page.url, page.title) for page in read] == [("/docs/same", "First")]
    (warning,) = warnings
    assert all(named in warning for named in ("a.md", "b.md", "/docs/same", "Change one slug"))


def test_a_path_that_a_version_is_given_is_its_own(tmp_path):
    files = {"docs/a.md": "new", "versioned_docs/version-2.0/a.md": "two"}
    docs = "docs: {versions: {current: {path: 'canary'}, '2.0': {path: 'stable', label: 'x'}}}"
    config = CONFIGURED % docs
    write(tmp_path, {**files, "versions.json": '["2.0"]', "docusaurus.config.js": config})
    found = pages(tmp_path)
    assert [page.url for page in found] == ["/docs/stable/a", "/docs/canary/a"]
    assert [page.version.label for page in found] == ["", "next"]


def texts(page):
    return [block.text for section in plain_text.sections(page.tokens) for block in section.blocks]


def test_an_imported_part_is_read_where_it_is_shown(tmp_path):
    files = {
        "docs/a.mdx": "import B from './_b.mdx';\nimport C from \"@site/shared/c.md\";\n\n"
        "One.\n\n<B />\n\n<C/>",
        "docs/_b.mdx": "---\ntitle: no page\n---\nimport C from '../shared/c.md';\n\n## Two\n\nb\n\n<C />",
        "shared/c.md": "Three.",
        "docusaurus.config.js": "",
    }
    (page,) = pages(write(tmp_path, files))
    assert texts(page) == ["One.", "b", "Three.", "Three."]
    assert [section.anchor for section in plain_text.sections(page.tokens)] == ["", "two"]


def test_a_part_shows_the_texts_that_it_is_given(tmp_path):
    files = {
        "docs/a.mdx": "import B from './_b.mdx';\n\n<B name=\"Ibex\" size={'2'} />\n\n"
        "- <B name='Bär' />\n\n| a | b |\n|---|---|\n| <B /> | c |\n| d | e <B /> |",
        "docs/_b.mdx": "Of {props.name}, {props['size']} {props.other}{name} m.\n\n{props.name}",
    }
    (page,) = pages(write(tmp_path, files))
    assert texts(page) == [
        *("Of Ibex, 2 m.", "Ibex", "Of Bär, m.", "Bär"),
        *("Of , m.\tc", "d\te Of , m."),
    ]


@pytest.mark.parametrize(
    "source", ["./_a.mdx", "../../secret.md", "@site/../secret.md", "./none.md", "x/y.md"]
)
def test_an_import_that_leads_round_or_out_is_left_out(tmp_path, source):
    page = f"import A from '{source}';\n\nSeen.\n\n<A />\n\n<A />"
    write(tmp_path, {"secret.md": "secret", "site/docusaurus.config.js": ""})
    write(tmp_path, {"site/docs/a.mdx": page, "site/docs/_a.mdx": page.replace("Seen", "Again")})
    read = texts(pages(tmp_path / "site")[0])
    assert read[0] == "Seen."
    assert "secret" not in read
    assert len(read) <= 1 + partials.MAX_SHOWN


@pytest.mark.parametrize(
    ("name", "front", "config", "text"),
    [
        ("a.md", "", "", ""),
        ("a.md", "mdx:\n  format: md", "", "{name}"),
        ("a.md", "", "markdown: {format: 'detect'}", "{name}"),
        ("a.mdx", "", "markdown: {format: 'detect'}", ""),
        ("a.mdx", "", "markdown: {mermaid: true, format: 'md'}", "{name}"),
        ("a.md", "mdx: {format: mdx}", "markdown: {format: 'md'}", ""),
        ("a.md", "mdx: md", "", ""),
    ],
)
def test_a_file_is_read_in_its_own_format(tmp_path, name, front, config, text):
    files = {
        f"docs/{name}": f"---\n{front}\n---\nHello {{name}}",
        "docusaurus.config.js": f"export default {{{config}}}",
    }
    (page,) = pages(write(tmp_path, files))
    assert texts(page) == [f"Hello {text}".strip()]


@pytest.mark.parametrize(
    ("front", "listed"),
    [
        ("draft: true", []),
        ('draft: "true"', []),
        ("draft: yes", ["/docs/a"]),
        ("id: off", ["/docs/off"]),
        ("id: no", ["/docs/no"]),
        ("slug: 2026-01-02", ["/docs/2026-01-02"]),
        ("id: 010", ["/docs/10"]),
        ('parse_number_prefixes: "false"', ["/docs/a"]),
    ],
)
def test_front_matter_is_yaml_1_2(tmp_path, front, listed):
    write(tmp_path, {"a.md": f"---\n{front}\n---\nx", "b.md": "x"})
    assert [page.url for page in pages(tmp_path) if page.source == "a.md"] == listed


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({"docs/a.md": "---\n: [\n---\nx"}, "a.md"),
        ({"docs/a.md": "---\n- list\n---\nx"}, "a.md"),
        ({"docs/a.txt": "x"}, "docs"),
        ({"docs/a.md": "x", "versions.json": "{"}, "versions.json"),
        ({"docs/a.md": "x", "versions.json": '["../1"]'}, "versions.json"),
        ({"docs/a.md": "x", "versions.json": '["1"]'}, "version-1"),
        ({"docusaurus.config.js": CONFIGURED % "docs: {path: 'text'}"}, "text"),
    ],
)
def test_an_error_names_what_to_mend(tmp_path, files, named):
    with pytest.raises(BookError, match=named):
        pages(write(tmp_path, files))


def test_a_file_that_is_not_utf8_is_named(tmp_path):
    (tmp_path / "a.md").write_bytes(b"\xff\xfe")
    with pytest.raises(BookError, match=r"a\.md is not UTF-8"):
        pages(tmp_path)
    with pytest.raises(BookError, match="is not a folder"):
        pages(tmp_path / "none")
