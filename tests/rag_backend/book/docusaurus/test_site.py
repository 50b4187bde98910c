import pytest

from rag_backend.book import pages as book
from rag_backend.book.docusaurus import site
from rag_backend.book.docusaurus.site import BookError
from tests.rag_backend.books import write

VERSIONED = {
    "docs/a.md": "new",
    "versioned_docs/version-2/a.md": "two",
    "versioned_docs/version-1/a.md": "one",
    "versions.json": '["2", "1"]',
}


def urls(folder, **options):
    return [page.url for page in book.read(site.find(folder, **options))]


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ("const base = '/book/'; export default {baseUrl: base}", "/book/docs/a"),
        ("const baseUrl = '/book/'; module.exports = {baseUrl}", "/book/docs/a"),
        ("const p = 'bo'; module.exports = {baseUrl: `/${p}ok/`}", "/book/docs/a"),
        ("const c = {baseUrl: '/book/'}; export default c", "/book/docs/a"),
        ("export default async function f() { const b = '/book/'; return {baseUrl: b} }", "/book/docs/a"),
        ("module.exports = async () => ({baseUrl: '/book/'})", "/book/docs/a"),
        ("const rest = {baseUrl: '/book/'}; module.exports = {...rest, title: 'x'}", "/book/docs/a"),
        ("module.exports = {baseUrl: process.env.BASE || '/book/'}", "/book/docs/a"),
        ("module.exports = {baseUrl: process.env.PREVIEW ? '/pr/' : '/book/'}", "/book/docs/a"),
        (
            "module.exports = {baseUrl: process.env.NODE_ENV === 'production' ? '/book/' : '/'}",
            "/book/docs/a",
        ),
        ("const re = /['\"]/; module.exports = {tag: re, baseUrl: '/book/'}", "/book/docs/a"),
        ("import b from './base.json'; export default {baseUrl: b.at}", "/book/docs/a"),
        ("import {at} from './parts/base'; export default {baseUrl: at}", "/book/docs/a"),
        (
            "module.exports = {themeConfig: {docs: {routeBasePath: 'x'}},"
            " presets: [['classic', {docs: {routeBasePath: 'manual'}}]]}",
            "/manual/a",
        ),
        ("module.exports = {presets: [[require.resolve('@docusaurus/preset-classic'), {}]]}", "/docs/a"),
        ("module.exports = {plugins: [['@docusaurus/content-docs', {routeBasePath: 'x'}]]}", "/x/a"),
    ],
)
@pytest.mark.parametrize("end", ["js", "ts", "cjs", "mjs", "mts", "cts"])
def test_a_configuration_is_read_whatever_its_shape_and_ending(tmp_path, config, path, end):
    files = {"base.json": '{"at": "/book/"}', "parts/base.ts": "export const at: string = '/book/';"}
    write(tmp_path, {**files, f"docusaurus.config.{end}": config, "docs/a.md": "text"})
    assert urls(tmp_path) == [path]


@pytest.mark.parametrize(
    ("options", "paths"),
    [
        ("", ["/docs/a", "/docs/next/a", "/docs/1/a"]),
        ("lastVersion: 'current'", ["/docs/a", "/docs/2/a", "/docs/1/a"]),
        ("lastVersion: '1'", ["/docs/a", "/docs/next/a", "/docs/2/a"]),
        ("includeCurrentVersion: false", ["/docs/a", "/docs/1/a"]),
        ("onlyIncludeVersions: ['current', '1']", ["/docs/a", "/docs/next/a"]),
        ("onlyIncludeVersions: ['1']", ["/docs/a"]),
        ("disableVersioning: true", ["/docs/a"]),
        ("versions: {current: {path: 'main', label: 'x'}}", ["/docs/a", "/docs/main/a", "/docs/1/a"]),
        ("versions: {'2': {path: 'stable'}}", ["/docs/stable/a", "/docs/next/a", "/docs/1/a"]),
        (
            "path: 'docs', versions: {current: {path: ''}}, lastVersion: 'current'",
            ["/docs/a", "/docs/2/a", "/docs/1/a"],
        ),
    ],
)
def test_versions_have_the_paths_that_docusaurus_gives_them(tmp_path, options, paths):
    config = f"module.exports = {{baseUrl: '/', presets: [['classic', {{docs: {{{options}}}}}]]}}"
    write(tmp_path, {**VERSIONED, "docusaurus.config.js": config})
    assert urls(tmp_path) == paths


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ("onlyIncludeVersions: ['9']", "9"),
        ("lastVersion: '9'", "lastVersion"),
        ("includeCurrentVersion: false, disableVersioning: true", "Nothing is left"),
    ],
)
def test_versions_that_are_not_there_are_named(tmp_path, options, named):
    config = f"module.exports = {{presets: [['classic', {{docs: {{{options}}}}}]]}}"
    with pytest.raises(BookError, match=named):
        urls(write(tmp_path, {**VERSIONED, "docusaurus.config.js": config}))


def test_a_docs_folder_beside_the_site_is_found_from_both(tmp_path):
    config = "module.exports = {baseUrl: '/b/', presets: [['classic', {docs: {path: '../docs'}}]]}"
    files = {"website/docusaurus.config.js": config, "docs/a.mdx": "import P from './\\_p.md';\n\n<P />"}
    write(tmp_path, {**files, "docs/_p.md": "The ibex."})
    assert urls(tmp_path / "website") == ["/b/docs/a"]
    assert urls(tmp_path / "docs") == ["/b/docs/a"]
    (page,) = book.read(site.find(tmp_path / "website"))
    assert "The ibex." in [token.content for token in page.tokens]


def test_each_docs_plugin_is_read_with_versions_of_its_own(tmp_path):
    config = """module.exports = {baseUrl: '/', presets: [['classic', {docs: {}}]], plugins: [
      'x', ['@docusaurus/plugin-content-docs', {id: 'api', path: 'api', routeBasePath: 'api-docs'}]]}"""
    files = {"docs/a.md": "x", "api/b.md": "y", "api_versions.json": '["1"]'}
    write(tmp_path, {**files, "api_versioned_docs/version-1/b.md": "z", "docusaurus.config.js": config})
    assert urls(tmp_path) == ["/docs/a", "/api-docs/b", "/api-docs/next/b"]
    assert urls(tmp_path / "api") == ["/api-docs/b", "/api-docs/next/b"]


@pytest.mark.parametrize("options", ["includeCurrentVersion: false", "onlyIncludeVersions: ['2', '1']"])
def test_a_site_without_a_current_version_needs_no_folder_for_it(tmp_path, options):
    config = f"module.exports = {{baseUrl: '/', presets: [['classic', {{docs: {{{options}}}}}]]}}"
    files = {name: text for name, text in VERSIONED.items() if not name.startswith("docs/")}
    found = site.find(write(tmp_path, {**files, "docusaurus.config.js": config}))
    assert [page.url for page in book.read(found)] == ["/docs/a", "/docs/1/a"]
    assert found.assumed == ()


def test_a_current_version_that_is_listed_is_read_once(tmp_path):
    files = {**VERSIONED, "versions.json": '["current", "2", "1"]'}
    assert urls(write(tmp_path, files)) == ["/docs/a", "/docs/next/a", "/docs/1/a"]


def test_a_docs_plugin_without_its_folder_is_left_out_and_named(tmp_path):
    config = """module.exports = {baseUrl: '/', presets: [['classic', {}]], plugins: [
      ['@docusaurus/plugin-content-docs', {id: 'api', path: 'generated'}]]}"""
    found = site.find(write(tmp_path, {"docs/a.md": "x", "docusaurus.config.js": config}))
    assert [page.url for page in book.read(found)] == ["/docs/a"]
    assert any("generated" in line for line in found.assumed)


def test_translated_pages_are_read_with_their_locale(tmp_path):
    config = """module.exports = {baseUrl: '/b/', i18n: {defaultLocale: 'en', locales: ['en', 'ar', 'de'],
      localeConfigs: {de: {path: 'german', baseUrl: '/deutsch/'}}}}"""
    plugin = "docusaurus-plugin-content-docs/current"
    files = {f"i18n/ar/{plugin}/a.md": "مرحبا", f"i18n/german/{plugin}/a.md": "Hallo"}
    # A translation of a page that is not there is none.
    files |= {f"i18n/ar/{plugin}/z.md": "x", f"i18n/en/{plugin}/c.md": "Corrected"}
    write(tmp_path, {**files, "docs/a.md": "Hello", "docs/c.md": "Wrong", "docusaurus.config.js": config})
    pages = book.read(site.find(tmp_path))
    assert [(page.url, page.version.locale) for page in pages] == [
        ("/b/docs/a", "en"),
        ("/b/docs/c", "en"),
        ("/b/ar/docs/a", "ar"),
        ("/deutsch/docs/a", "de"),
    ]
    assert pages[1].tokens[1].content == "Corrected"


def test_translations_lie_where_the_configuration_says_and_count_where_a_locale_is_translated(tmp_path):
    config = """module.exports = {baseUrl: '/', i18n: {path: 'words', defaultLocale: 'en',
      locales: ['en', 'fr', 'de'], localeConfigs: {de: {translate: false, baseUrl: at()}}}}"""
    plugin = "docusaurus-plugin-content-docs/current"
    files = {f"words/fr/{plugin}/a.md": "Bonjour", f"words/de/{plugin}/a.md": "Hallo"}
    files |= {f"i18n/fr/{plugin}/a.md": "Old", "docs/a.md": "Hello", "docusaurus.config.js": config}
    found = site.find(write(tmp_path, files))
    assert any("locale de" in line for line in found.assumed)
    assert [(page.url, page.tokens[1].content) for page in book.read(found)] == [
        ("/docs/a", "Hello"),
        ("/fr/docs/a", "Bonjour"),
    ]


@pytest.mark.parametrize(
    ("options", "paths"),
    [
        ("", ["/docs/a", "/docs/b.test", "/docs/x/c"]),
        ("include: ['x/**/*.md']", ["/docs/x/c"]),
        ("exclude: ['**/x/**']", ["/docs/_p", "/docs/a", "/docs/b.test"]),
        ("include: ['**/*.{md,mdx}', '!x/**'], numberPrefixParser: false", ["/docs/01-a", "/docs/b.test"]),
    ],
)
def test_files_are_included_and_excluded_as_the_plugin_says(tmp_path, options, paths):
    config = f"module.exports = {{presets: [['classic', {{docs: {{{options}}}}}]]}}"
    files = {"docs/01-a.md": "1", "docs/b.test.md": "2", "docs/x/c.md": "3", "docs/_p.md": "4"}
    assert sorted(urls(write(tmp_path, {**files, "docusaurus.config.js": config}))) == paths


@pytest.mark.parametrize(
    ("options", "paths"),
    [
        ("include: ['./x/**/*.md']", ["/docs/x/c", "/docs/x/y/d"]),
        ("include: ['x', '*.md']", ["/docs/a", "/docs/x/c", "/docs/x/y/d"]),
        ("include: ['(a|b)*.md', 'x/!(c).md']", ["/docs/a"]),
        ("exclude: ['./x/**']", ["/docs/a"]),
        ("exclude: ['x']", ["/docs/a"]),
        ("exclude: ['**/y', '(a|b).md']", ["/docs/x/c"]),
    ],
)
def test_patterns_mean_what_they_mean_to_docusaurus(tmp_path, options, paths):
    config = f"module.exports = {{presets: [['classic', {{docs: {{{options}}}}}]]}}"
    files = {"docs/a.md": "1", "docs/x/c.md": "2", "docs/x/y/d.md": "3"}
    assert sorted(urls(write(tmp_path, {**files, "docusaurus.config.js": config}))) == paths


def test_an_assumption_is_told_and_an_unknown_value_is_asked_for(tmp_path):
    docs = "{path: process.env.D || 'docs'}"
    config = f"module.exports = {{baseUrl: compute(), presets: [['classic', {{docs: {docs}}}]]}}"
    found = site.find(write(tmp_path, {"docusaurus.config.js": config, "docs/a.md": "x"}))
    assert found.asks == ("--base-url",)
    assert any("process.env.D" in line for line in found.assumed)
    assert any("compute()" in line for line in found.assumed)
    assert site.find(tmp_path, base_url="/b/").asks == ()
    assert site.find(tmp_path / "docs").asks == ("--base-url",)


def test_parts_that_are_left_out_are_named(tmp_path):
    files = {
        "a.mdx": "import P from 'package/p.mdx';\nimport Q from './_none.md';\n\n<P />\n\n<Q />\n\nSeen.",
        "b.md": "---\ndraft: true\n---\nx",
    }
    warnings: list[str] = []
    book.read(site.find(write(tmp_path / "docs", files)), warn=warnings.append)
    assert len(warnings) == 3
    for named in ("package/p.mdx", "./_none.md", "b.md is a draft"):
        assert any(named in warning for warning in warnings)
