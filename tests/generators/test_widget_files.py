"""The files that the generator of the widget writes, and how it refuses what it would not write."""

import itertools
import os
import re
import shutil
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from chatgate.cli import app
from scaffold import widget
from scaffold.widget import Options, generate
from scaffold.widget_command import main
from tests.browser.servers import CALLBACK
from tests.node_packages import WIDGET, node
from tests.processes import REPOSITORY

SCRIPT = REPOSITORY / "scripts" / "generate_chatkit_widget.py"
BACKEND = "https://chat.example.org"
BROKER = "https://auth.example.org"
ALL = [
    Options(BACKEND, BROKER, "handbook", *chosen)
    for chosen in itertools.product(widget.MODES, widget.AUTHS, widget.PLACEMENTS, (False, True))
]
CONFIGURATION = "docusaurus.config.js"
BUILT = "function defineWidget()"


@pytest.fixture
def inside(tmp_path, monkeypatch):
    """The folder of a site without any file but its configuration."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / CONFIGURATION).write_text("export default {};\n")
    return tmp_path


def site(folder):
    """The option that names it, after it is made."""
    folder.mkdir()
    (folder / CONFIGURATION).write_text("export default {};\n")
    return ["--output-dir", str(folder)]


def files_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_all_combinations_are_generated_and_none_has_a_place_left_open():
    assert len(ALL) == 36
    made = [tuple(generate(options).items()) for options in ALL]
    assert len(set(made)) == 36
    for options, found in zip(ALL, made, strict=True):
        files = dict(found)
        js, jsx = ("ts", "tsx") if options.typescript else ("js", "js")
        layout = {f"src/theme/Layout/Layout.{jsx}", f"src/theme/Layout/index.{js}"}
        sign_in = {"static/chatgate-callback.html"}
        assert set(files) == {
            f"src/components/ChatKitWidget.{jsx}",
            f"src/config/chat.{js}",
            "docusaurus.config.snippet.js",
            *(layout if options.placement == "global" else ()),
            *(sign_in if options.auth != "none" else ()),
        }
        own = [text.partition(BUILT)[0] for text in files.values()]
        assert not any(re.search(r"\{\{[a-z]+\}\}|^\|[a-z]+\|", text, re.MULTILINE) for text in own)
        config = files[f"src/config/chat.{js}"]
        assert f"auth: '{options.auth}'" in config
        assert f"mode: '{options.mode}'" in config
        assert BACKEND in config
        assert (BROKER in config) == (options.auth != "none")
        assert ("127.0.0.1:8001" in config) == (options.auth != "none")
        policy = f"connect-src 'self' {f'{BROKER} ' if options.auth != 'none' else ''}{BACKEND}"
        assert policy in files["docusaurus.config.snippet.js"]


def test_the_built_widget_is_inside_with_its_licences():
    assets = REPOSITORY / "chatgate" / "stack" / "pages" / "assets"
    _, built = (assets / "chatgate-widget.js").read_text().split("\n", 1)
    licences = (assets / "chatgate-widget.licences.txt").read_text().splitlines()
    text = generate(Options())["src/components/ChatKitWidget.js"]
    inside = text.partition(BUILT)[2]
    assert built.rpartition("export{")[0] in inside
    assert "import " not in re.sub(r'"[^"]*"|`[^`]*`', "", inside)[:2000]
    assert all(f"// {line}".rstrip() in text for line in licences)
    made = generate(Options(auth="guest"))["static/chatgate-callback.html"]
    assert made.encode() == CALLBACK.read_bytes()


CHECKED = """
const { transform } = require("esbuild");
const { readFileSync } = require("node:fs");
(async () => {
  const built = new Map();
  for (const path of process.argv.slice(1)) {
    const loader = path.endsWith(".js") ? "jsx" : path.split(".").pop();
    const options = { loader, jsx: "automatic", minifyWhitespace: true };
    const { code } = await transform(readFileSync(path, "utf8"), options);
    if (path.includes("ChatKitWidget")) built.set(loader, code.slice(code.indexOf("function defineWidget")));
  }
  if (built.get("jsx") !== built.get("tsx")) throw new Error("TypeScript reads the built widget otherwise");
})();
"""


def test_every_file_is_read_as_what_it_is(tmp_path):
    """TypeScript's grammar takes some JavaScript for something else, such as `a<b>(c)`."""
    texts = {}
    for options in ALL:
        for path, text in generate(options).items():
            texts[text] = path
    paths: list[str] = []
    for number, (text, path) in enumerate(texts.items()):
        if path.endswith(".html"):
            continue
        # The built part is the same in all, so it is read once for each language.
        is_first = not any("ChatKitWidget" in one and one.endswith(path[-4:]) for one in paths)
        head = text if is_first else text.partition(BUILT)[0]
        (tmp_path / str(number)).mkdir()
        made = tmp_path / str(number) / os.path.basename(path)
        made.write_text(head)
        paths.append(str(made))
    done = subprocess.run(
        [node(WIDGET), "-e", CHECKED, *paths], cwd=WIDGET, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


def test_the_same_options_make_the_same_bytes(tmp_path):
    for seed in ("1", "2"):
        command = ["env", f"PYTHONHASHSEED={seed}", sys.executable, str(SCRIPT), "--backend-url", BACKEND]
        command += ["--auth", "better-auth", "--mode", "normal", *site(tmp_path / seed)]
        subprocess.run(command, check=True, capture_output=True)
    names = files_in(tmp_path / "1")
    assert names == files_in(tmp_path / "2")
    assert all((tmp_path / "1" / one).read_bytes() == (tmp_path / "2" / one).read_bytes() for one in names)


def test_chatgate_generate_writes_what_the_script_writes(tmp_path):
    options = ["--backend-url", BACKEND, "--auth", "guest", "--placement", "chapter", "--typescript"]
    by_script = [sys.executable, str(SCRIPT), *options, *site(tmp_path / "one")]
    subprocess.run(by_script, check=True, capture_output=True)
    said = CliRunner().invoke(app, ["generate", "widget", *options, *site(tmp_path / "two")])
    assert said.exit_code == 0, said.output
    names = files_in(tmp_path / "one")
    assert names == files_in(tmp_path / "two")
    assert all((tmp_path / "one" / n).read_bytes() == (tmp_path / "two" / n).read_bytes() for n in names)
    assert "import ChatKitWidget from '@site/src/components/ChatKitWidget';" in said.output
    assert "[sites.docs]" in said.output


def test_the_script_works_beside_its_package_alone_and_without_libraries(tmp_path):
    """As the skill folder has it: the built widget is inside the package there."""
    skill = REPOSITORY / "skill" / "chatkit-embed-and-token-flow" / "scripts"
    shutil.copytree(skill, tmp_path / "scripts")
    command = [sys.executable, "-S", "-I", str(tmp_path / "scripts" / SCRIPT.name)]
    command += site(tmp_path / "made")
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    for path, text in generate(Options()).items():
        assert (tmp_path / "made" / path).read_text() == text


def test_addresses_that_are_left_out_are_those_of_the_stack_that_is_meant(inside):
    for number, (arguments, backend, broker) in enumerate(
        [
            ([], "http://127.0.0.1:8002", None),
            (["--auth", "guest"], "http://127.0.0.1:8001", "http://127.0.0.1:8000"),
            (["--auth", "guest", "--backend-url", BACKEND], BACKEND, BACKEND),
            (["--auth", "guest", "--backend-url", f"{BACKEND}/api/"], f"{BACKEND}/api", BACKEND),
        ]
    ):
        assert main([*arguments, *site(inside / str(number))]) == 0
        config = (inside / str(number) / "src" / "config" / "chat.js").read_text()
        production = config.partition("const production")[2]
        assert f"backendUrl: '{backend}'," in production
        assert ("brokerUrl" in production) == (broker is not None)
        assert broker is None or f"brokerUrl: '{broker}'," in production


def test_files_that_are_there_are_replaced_by_force_alone(inside, capsys):
    assert main(["--auth", "guest"]) == 0
    config = inside / "src" / "config" / "chat.js"
    made = config.read_text()
    config.write_text("mine")
    os.remove(inside / "src" / "components" / "ChatKitWidget.js")
    assert main(["--auth", "guest"]) == 1
    said = capsys.readouterr().err
    assert "src/config/chat.js" in said
    assert "--force replaces them" in said
    # Nothing was written, not even the missing file alone.
    assert not (inside / "src" / "components" / "ChatKitWidget.js").exists()
    assert config.read_text() == "mine"
    assert main(["--auth", "guest", "--force"]) == 0
    assert config.read_text() == made


@pytest.mark.parametrize(
    ("there", "arguments"),
    [
        ("src/components/ChatKitWidget.js", ["--typescript"]),
        ("src/components/ChatKitWidget.jsx", []),
        ("src/theme/Layout.js", []),
        ("src/theme/Layout/index.tsx", []),
        ("src/config/chat.ts", []),
    ],
)
def test_a_file_that_a_bundler_would_take_instead_is_named(inside, capsys, there, arguments):
    (inside / there).parent.mkdir(parents=True)
    (inside / there).write_text("mine")
    for force in ([], ["--force"]):
        assert main([*arguments, *force]) == 1
        assert f"{there} would be used in the place of" in capsys.readouterr().err
        assert files_in(inside) == sorted([CONFIGURATION, there])


@pytest.mark.parametrize("option", ["--backend-url", "--broker-url"])
@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ('https://chat.example"', "without quote"),
        ("https://chat.example'", "without quote"),
        ("https://chat.example/'", "write https://chat.example."),
        ("https://chat.example</script>", "without quote"),
        ("https://chat.example/</script>", "write https://chat.example."),
        ("https://chat.example\nx", "line break"),
        ("https://chat.example/a\n", "write https://chat.example."),
        ("https://chat.example\\", "without quote"),
        ("https://chat.example/?a=b", "write https://chat.example."),
        ("https://chat.example/#a", "write https://chat.example."),
        ("https://user:word@chat.example", "without quote"),
        ("http://chat.example", "write https://chat.example."),
        ("http://127.0.0.1.example", "write https://127.0.0.1.example."),
        ("https://Chat.example", "as in https://chat.example."),
        ("https://chat.example:443", "write https://chat.example."),
        ("chat.example", "as in https://chat.example.org."),
        ("ftp://chat.example", "as in https://chat.example.org."),
        ("javascript:alert(1)", "as in https://chat.example.org."),
        ("", "as in https://chat.example.org."),
        ("https://chat.example/" + "a" * 300, "more than 255"),
    ],
)
def test_an_address_that_is_none_is_refused_with_the_reason(inside, capsys, option, url, reason):
    assert main(["--auth", "guest", option, url]) == 1
    said = capsys.readouterr().err
    assert f"{option} " in said
    assert "is no address" in said
    assert reason in said
    assert os.listdir(inside) == [CONFIGURATION]


@pytest.mark.parametrize("name", ["", "Docs", "a'b", "-a", "a" * 65, "a\n", "</script>"])
def test_a_client_id_that_names_no_site_is_refused(inside, capsys, name):
    assert main(["--auth", "guest", f"--client-id={name}"]) == 1
    assert "as in handbook for [sites.handbook]" in capsys.readouterr().err
    assert os.listdir(inside) == [CONFIGURATION]


@pytest.mark.parametrize(
    ("arguments", "right"),
    [
        (["--auth", "cookie"], "choose from 'none', 'better-auth', 'guest'"),
        (["--mode", "all"], "choose from 'normal', 'selection_only', 'both'"),
        (["--placement", "page"], "choose from 'global', 'chapter'"),
        (["--backend", BACKEND], "Did you mean --backend-url?"),
        (["--output", "a"], "Did you mean --output-dir?"),
    ],
)
def test_a_wrong_option_says_what_is_right(inside, capsys, arguments, right):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert right in capsys.readouterr().err
    assert os.listdir(inside) == [CONFIGURATION]


def test_a_folder_that_cannot_be_made_is_told(inside, capsys):
    (inside / "taken").write_text("")
    assert main(["--output-dir", "taken", "--force"]) == 1
    assert "taken" in capsys.readouterr().err
