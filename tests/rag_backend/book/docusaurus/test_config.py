"""Configurations as sites write them: each value is the one that Node has, or is told to be unknown."""

import time

import pytest

from rag_backend.book import pages as book
from rag_backend.book import plain_text
from rag_backend.book.docusaurus import site
from tests.rag_backend.books import write

DOCS = "['@docusaurus/plugin-content-docs', {id: 'api', path: 'api', routeBasePath: 'api'}]"


def read(folder, config, **files):
    found = site.find(
        write(folder, {"docusaurus.config.js": config, "docs/a.md": "x", "api/b.md": "y", **files})
    )
    return [page.url for page in book.read(found)], found


@pytest.mark.parametrize(
    "config",
    [
        "export {config as default}; const config = {baseUrl: '/b/'};",
        "export {default} from './parts';",
        "export {config as default} from './parts';",
        "const {baseUrl} = require('./parts').default; module.exports = {baseUrl};",
        "const {at: {x}, baseUrl: base, y = 1} = require('./parts'); module.exports = {baseUrl: base};",
        "module.exports = Object.assign({}, {baseUrl: '/x/', title: 'x'}, {baseUrl: '/b/'});",
        "const c = (/** @type {x} */ ({baseUrl: /* at */ '/b/'})); module.exports = /** y */ (c);",
        "const {BASE = '/b/'} = process.env; module.exports = {baseUrl: BASE};",
        "module.exports = {baseUrl: process.env['BASE'] ?? '/b/'};",
        "module.exports = {baseUrl: {en: '/b/', fr: '/x/'}['en']};",
        "module.exports = {baseUrl: ['', 'b', ''].join('/')};",
        "const path = require('path'); module.exports = {baseUrl: path.posix.join('/', 'b', '/')};",
        "import {join as x, join} from 'node:path'; export default {baseUrl: join('/', '/b', '/')};",
        "const under = (name, root = '/') => `${root}${name}/`; module.exports = {baseUrl: under('b')};",
        "const under = ({name}) => `/${name}/`; module.exports = {baseUrl: under({name: 'b'})};",
        "function f() { if (process.env.P) { return {baseUrl: '/p/'}; } return {baseUrl: '/b/'}; }"
        " module.exports = f;",
        "const c = {baseUrl: '/x/'}; c.baseUrl = '/b/'; module.exports = c;",
        "module.exports = {baseUrl: '/x/'}; module.exports.baseUrl = '/b/';",
        "export default () => { const c = {}; c['baseUrl'] = '/b/'; return c; };",
        "const config = {baseUrl: '/b/'}; export = config;",
        "const baseUrl = (() => { return '/b/'; })(); module.exports = {baseUrl};",
        "import * as parts from './parts'; export default {baseUrl: parts.config.baseUrl};",
        "const {at} = require('./named'); module.exports = {baseUrl: at};",
        "exports.baseUrl = '/b/';",
        "const [, b] = ['/x/', '/b/']; module.exports = {baseUrl: b};",
        "const b = '/b/'; function f() { let b = ''; b += 'x'; return b; } module.exports = {baseUrl: b};",
    ],
)
def test_a_base_url_is_read_whatever_leads_to_it(tmp_path, config):
    parts = "export const config = {baseUrl: '/b/'}; export default config;"
    named = "exports.at = '/b/';"
    urls, found = read(tmp_path, config, **{"parts/index.ts": parts, "named.js": named})
    assert urls == ["/b/docs/a"]
    assert found.asks == ()


@pytest.mark.parametrize(
    "config",
    [
        "let b = '/x/'; if (deployed) { b = '/b/'; } module.exports = {baseUrl: b};",
        "let b = '/x'; b += '/'; module.exports = {baseUrl: b};",
        "const c = {baseUrl: '/x/'}; if (deployed) { c.baseUrl = '/b/'; } module.exports = c;",
        "const c = {baseUrl: '/x/'}; Object.assign(c, given()); module.exports = c;",
        "const c = {baseUrl: '/x/'}; c.baseUrl = c.baseUrl + 'b/'; module.exports = c;",
        "module.exports = () => { if (deployed) { return {baseUrl: '/b/'}; } return {baseUrl: '/x/'}; };",
        "module.exports = () => { for (const b of all) { return {baseUrl: b}; } };",
        "const {isCI} = require('ci-info'); module.exports = {baseUrl: isCI ? '/b/' : '/x/'};",
        "const isCI = require('is-ci'); module.exports = {baseUrl: isCI ? '/b/' : '/x/'};",
        "this.is = 'no module';",
        "const f = (n) => f(n); module.exports = {baseUrl: f('/x/')};",
    ],
)
def test_a_base_url_that_depends_on_more_is_asked_for(tmp_path, config):
    assert read(tmp_path, config)[1].asks == ("--base-url",)


@pytest.mark.parametrize(
    "plugins",
    [
        f"plugins: [{DOCS}, process.env.X && 'x'].filter(Boolean)",
        f"plugins: [].concat([{DOCS}])",
        f"plugins: [[{DOCS}], []].flat()",
        "plugins: ['api'].map((id) => ['content-docs', {id, path: id, routeBasePath: id}])",
        "plugins: Object.entries({api: 'api'}).map(([id, path]) => ['content-docs', {id, path,"
        " routeBasePath: id}])",
        "plugins: Object.keys({api: 1}).map((id) => ['content-docs', {id, path: id, routeBasePath: id}])",
        "plugins: ['api'].flatMap((id) => { const path = id; return [['content-docs', {id, path,"
        " routeBasePath: id}]]; })",
        f"plugins: []}}; config.plugins.push({DOCS}); const rest = {{",
        f"plugins: later(), ...{{plugins: [{DOCS}, function mine() {{}}, require('mine')]}}",
    ],
)
def test_docs_plugins_are_read_from_lists_that_are_put_together(tmp_path, plugins):
    config = f"const config = {{baseUrl: '/', {plugins}}}; module.exports = config;"
    urls, found = read(tmp_path, config)
    assert urls == ["/api/b"]
    assert not any("computed" in line for line in found.assumed)


def test_a_configuration_without_docs_is_told_what_is_assumed(tmp_path):
    urls, found = read(tmp_path, "module.exports = {baseUrl: '/', plugins: ['x']};")
    assert urls == ["/docs/a"]
    assert any("names no docs plugin" in line for line in found.assumed)


@pytest.mark.parametrize(
    ("plugins", "named"),
    [
        ("plugins: made()", "plugins are computed (made())"),
        ("plugins: ['x', made()]", "plugins are computed (made())"),
        ("plugins: [...made()]", "plugins are computed (made())"),
        ("plugins: ['x'].filter((one) => one)", "plugins are computed"),
        ("presets: made()", "presets are computed (made())"),
        ("plugins: []}; if (x) { config.plugins.push('y'); } const z = {", "plugins are computed"),
    ],
)
def test_lists_that_are_computed_are_told(tmp_path, plugins, named):
    urls, found = read(tmp_path, f"const config = {{baseUrl: '/', {plugins}}}; module.exports = config;")
    assert urls == ["/docs/a"]
    assert any(named in line for line in found.assumed)


def test_anchors_and_emoji_are_as_the_site_has_them(tmp_path):
    page = {"docs/a.md": "## Set Up\n\n:tada: x\n\n## Set Up\n\ny"}
    config = "module.exports = {baseUrl: '/', markdown: {anchors: {maintainCase: true}, emoji: false}};"
    _, found = read(tmp_path, config, **page)
    (of_page,) = book.read(found)
    sections = plain_text.sections(of_page.tokens)[1:]
    assert [section.anchor for section in sections] == ["Set-Up", "Set-Up-1"]
    assert sections[0].blocks[0].text == ":tada: x"


@pytest.mark.parametrize("name", ["preprocessor", "parseFrontMatter"])
def test_what_changes_pages_before_they_are_read_is_named(tmp_path, name):
    _, found = read(tmp_path, f"module.exports = {{baseUrl: '/', markdown: {{{name}: (x) => x}}}};")
    assert any(name in line for line in found.assumed)
    _, found = read(tmp_path, f"module.exports = {{baseUrl: '/', markdown: {{async {name}(x) {{}}}}}};")
    assert any(name in line for line in found.assumed)


@pytest.mark.parametrize(
    "path",
    [
        "fileURLToPath(new URL('../docs', import.meta.url))",
        "new URL('../docs', import.meta.url).pathname",
        "path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', 'docs')",
        "`${process.cwd()}/../docs`",
        "path.join(__dirname, '../docs')",
    ],
)
def test_a_docs_folder_is_found_by_its_place(tmp_path, path):
    presets = f"[['classic', {{docs: {{path: {path}}}}}]]"
    config = f"import path from 'path'; export default {{baseUrl: '/', presets: {presets}}}"
    write(tmp_path, {"site/docusaurus.config.mjs": config, "docs/a.md": "x"})
    assert [page.url for page in book.read(site.find(tmp_path / "site"))] == ["/docs/a"]


@pytest.mark.parametrize(
    "config",
    [
        "module.exports = " + "a." * 5000 + "b",
        "module.exports = " + "[" * 3000 + "]" * 3000,
        "module.exports = () => {" + "if (a) {" * 1000 + "return 1" + "}" * 1001,
        "const c = {}; " + "c.a = c.b; " * 3000 + "module.exports = c",
        "const c = {}; " + "c.a = 1; c.push(2); " * 3000 + "module = c; module.exports = c",
        "export {default} from './docusaurus.config.js';",
        "const a = b; const b = a; module.exports = a();",
        "const a = require('./docusaurus.config.js'); module.exports = {...a, baseUrl: a.baseUrl}",
        "const c = {...c}; module.exports = {versions: c, ...c};",
        "const f = (x) => [x, x].map(f); module.exports = f(1)",
    ],
)
def test_no_configuration_takes_long(tmp_path, config):
    begun = time.process_time()
    read(tmp_path, config)
    assert time.process_time() - begun < 3
