import pytest

from rag_backend import book, site
from rag_backend.site import BookError
from tests.rag_backend.books import SAMPLE, write


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
        ("blog: {routeBasePath: '/news'}, docs: {routeBasePath: 'manual'}", "/manual/a"),
        ("plugins: [['@docusaurus/plugin-content-docs', {routeBasePath: 'manual'}]]", "/manual/a"),
        ("// baseUrl: '/old/',\n baseUrl: '/book/', url: 'https://x.example',", "/book/docs/a"),
        ("baseUrl: process.env.BASE,", "/docs/a"),
        ("trailingSlash: true,", "/docs/a/"),
    ],
)
@pytest.mark.parametrize("name", ["docusaurus.config.js", "docusaurus.config.ts"])
def test_what_the_configuration_says_literally_is_read(tmp_path, config, path, name):
    write(tmp_path, {name: f"export default {{ {config} }}", "docs/a.md": "text"})
    assert pages(tmp_path)[0].url == path
    assert pages(tmp_path / "docs")[0].url == path


def test_options_come_before_the_configuration(tmp_path):
    write(tmp_path, {"docusaurus.config.js": "baseUrl: '/book/'", "docs/a.md": "text"})
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
    write(tmp_path, {"docusaurus.config.js": "docs: {lastVersion: 'current'}"})
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


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({"docs/a.md": "---\n: [\n---\nx"}, "a.md"),
        ({"docs/a.md": "---\n- list\n---\nx"}, "a.md"),
        ({"docs/a.md": "x", "docs/b.md": "---\nslug: a\n---\nx"}, "/docs/a"),
        ({"docs/a.txt": "x"}, "docs"),
        ({"docs/a.md": "x", "versions.json": "{"}, "versions.json"),
        ({"docs/a.md": "x", "versions.json": '["../1"]'}, "versions.json"),
        ({"docs/a.md": "x", "versions.json": '["1"]'}, "version-1"),
        ({"docusaurus.config.js": "docs: {path: 'text'}"}, "text"),
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
