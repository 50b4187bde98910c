"""Generated widgets by Babel, which sites without Docusaurus' faster tools have, and by TypeScript."""

import subprocess
from pathlib import Path

import pytest

from scaffold.widget import Options, generate
from tests.generators.widget_site import VARIANTS, WHOLE
from tests.node_packages import WIDGET, node
from tests.widget.sites import EXAMPLE, PACKAGES, packages

pytestmark = pytest.mark.node

BABEL = """
const { transformFileSync } = require("@babel/core");
for (const filename of process.argv.slice(1))
  transformFileSync(filename, {
    presets: [require.resolve("@docusaurus/core/lib/babel/preset")],
    caller: { name: "client" },
    babelrc: false,
    configFile: false,
    compact: true,
  });
"""
USED = """
import ChatKitWidget from './src/components/ChatKitWidget';
import Layout from './src/theme/Layout';
import chat from './src/config/chat';

export const chapter = <ChatKitWidget mode="selection_only" placement="inline" suggestions={['Why?']} />;
// @ts-expect-error: there is no such way.
export const wrong = <ChatKitWidget auth="basic" />;
export const page = <Layout title="A page">text</Layout>;
export const address: string = chat.backendUrl;
"""
TSC = """--noEmit --strict --skipLibCheck --jsx react-jsx --module esnext --moduleResolution bundler
--lib es2022,dom --types @docusaurus/module-type-aliases,@docusaurus/theme-classic used.tsx"""


def written(folder, options):
    for path, text in generate(options).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return [str(folder / path) for path in generate(options) if path.startswith("src/")]


def test_babel_reads_every_file(tmp_path):
    packages()
    paths = written(tmp_path / "ts", WHOLE)
    # The built widget is the same in both, and takes the time.
    paths += [path for path in written(tmp_path / "js", Options()) if "ChatKitWidget" not in path]
    command: list[str | Path] = [node(EXAMPLE), "-e", BABEL, *paths]
    done = subprocess.run(command, cwd=EXAMPLE, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("options", [WHOLE, VARIANTS["normal-better-auth"]], ids=lambda one: one.placement)
def test_typescript_finds_no_fault_in_strict_mode(tmp_path, options):
    assert options.typescript
    packages()
    node(WIDGET)
    written(tmp_path, options)
    used = USED
    if options.placement == "chapter":
        used = "\n".join(line for line in USED.splitlines() if "Layout" not in line)
    (tmp_path / "used.tsx").write_text(used)
    (tmp_path / "node_modules").symlink_to(PACKAGES)
    compiler = WIDGET / "node_modules" / "typescript" / "bin" / "tsc"
    command: list[str | Path] = [node(EXAMPLE), compiler, *TSC.split()]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
