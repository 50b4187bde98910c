"""The file that the generator of backends writes, and how it refuses what it would not write."""

import itertools
import os
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
from typer.testing import CliRunner

from chatgate.cli import app
from scaffold import backend
from scaffold.backend import Options, generate
from scaffold.backend_command import main
from tests.generators.backends import ALL, PAGE, options_of
from tests.matches import find
from tests.processes import REPOSITORY

SCRIPT = REPOSITORY / "scripts" / "generate_fastapi_backend.py"
CACHE = str(REPOSITORY / ".mypy_cache")
ORIGINS = tuple(
    f"https://{name}.example.org" for name in ("docs", "handbook", "guide", "reference", "blog", "notes")
)


@pytest.fixture
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tool(folder, name, *arguments):
    command = [sys.executable, "-m", name, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_every_file_passes_ruff_and_mypy_strict(tmp_path):
    for options in ALL:
        (tmp_path / f"{options.module}.py").write_text(generate(options))
        wide = options_of(options.auth, options.db, options.llm, ORIGINS)
        (tmp_path / f"{options.module}_wide.py").write_text(generate(wide))
    settings = str(REPOSITORY / "pyproject.toml")
    for checked in (
        tool(tmp_path, "ruff", "check", "--config", settings, "."),
        tool(tmp_path, "ruff", "format", "--check", "--config", settings, "."),
        tool(
            tmp_path,
            "mypy",
            "--config-file",
            settings,
            "--cache-dir",
            CACHE,
            *(f"{one.module}.py" for one in ALL),
        ),
    ):
        assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("options", ALL, ids=lambda options: options.module)
def test_every_file_has_fewer_than_400_lines(options):
    wide = options_of(options.auth, options.db, options.llm, ORIGINS)
    for text in (generate(options), generate(wide)):
        assert text.count("\n") < 400
        assert "{{" not in text
        assert not re.search(r"^\|", text, re.MULTILINE)


def test_the_same_options_make_the_same_bytes(tmp_path):
    names = [f"PYTHONHASHSEED={seed}" for seed in (1, 2)]
    for name in names:
        command = ["env", name, sys.executable, str(SCRIPT), "--auth", "better-auth", "--db", "redis"]
        folder = tmp_path / name
        folder.mkdir()
        subprocess.run([*command, "--cors", *ORIGINS], cwd=folder, check=True, capture_output=True)
    first, second = ((tmp_path / name / "backend.py").read_bytes() for name in names)
    assert first == second
    assert all(origin in first.decode() for origin in ORIGINS)


@pytest.mark.parametrize("options", ALL, ids=lambda options: options.module)
def test_the_head_names_what_is_imported_with_the_versions_of_the_lock(options):
    text = generate(options)
    block = find(r"^# /// script\n((?:#.*\n)+?)# ///$", text, re.MULTILINE)[1]
    found = tomllib.loads("".join(line.removeprefix("#") + "\n" for line in block.splitlines()))
    lock = (REPOSITORY / "requirements" / "dev.lock").read_text()
    for requirement in found["dependencies"]:
        pinned = re.sub(r"\[.*\]", "", requirement)
        assert f"\n{pinned} \\\n" in lock
    named = {re.split(r"[\[=]", requirement)[0].replace("-", "_") for requirement in found["dependencies"]}
    imported = set(re.findall(r"^(?:import|from) (\w+)", text, re.MULTILINE)) - sys.stdlib_module_names
    assert {"pyjwt" if one == "jwt" else one for one in imported} - {"starlette"} == named - {"uvicorn"}


def test_chatgate_generate_writes_what_the_script_writes(tmp_path):
    options = ["--auth", "proxy", "--db", "postgres", "--llm", "openai", "--output"]
    subprocess.run([sys.executable, str(SCRIPT), *options, "one.py"], cwd=tmp_path, check=True)
    said = CliRunner().invoke(app, ["generate", "backend", *options, str(tmp_path / "two.py")])
    assert said.exit_code == 0, said.output
    one, two = ((tmp_path / name).read_text() for name in ("one.py", "two.py"))
    assert one.replace("one:app", "two:app") == two
    assert "two:app --port 8002" in said.output
    assert "psycopg-pool==" in said.output


def test_the_next_steps_say_which_pages_may_ask(inside, capsys):
    assert main([]) == 0
    assert "Pages of http://localhost:3000 and http://127.0.0.1:3000 may ask." in capsys.readouterr().out
    assert main(["--cors", PAGE, "--force"]) == 0
    assert "Pages of" not in capsys.readouterr().out


def test_the_script_works_beside_its_package_alone_and_without_libraries(tmp_path):
    shutil.copy(SCRIPT, tmp_path)
    shutil.copytree(REPOSITORY / "scaffold", tmp_path / "scaffold")
    # Neither the site's packages nor the working folder are on its path.
    command = [sys.executable, "-S", "-I", str(tmp_path / SCRIPT.name), "--output", "made.py"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "made.py").read_text() == generate(Options(module="made"))


def test_a_file_that_is_there_is_replaced_by_force_alone(inside, capsys):
    assert main([]) == 0
    made = (inside / "backend.py").read_text()
    (inside / "backend.py").write_text("mine")
    assert main([]) == 1
    assert "backend.py is there already. --force replaces it" in capsys.readouterr().err
    assert (inside / "backend.py").read_text() == "mine"
    assert main(["--force"]) == 0
    assert (inside / "backend.py").read_text() == made
    assert (inside / "backend.py").stat().st_mode & 0o777 == 0o666 & ~umask()
    assert os.listdir(inside) == ["backend.py"]
    (inside / "link.py").symlink_to("nowhere.py")
    assert main(["--output", "link.py"]) == 1
    assert not (inside / "nowhere.py").exists()


def umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize(
    ("origin", "reason"),
    [
        ('https://docs.example"', "without quote"),
        ("https://docs.example'", "without quote"),
        ("https://docs.example\n", "line break"),
        ("https://docs.example\nimport os", "line break"),
        ("https://docs.example</script>", "without quote"),
        ("https://docs.example\\", "without quote"),
        ("https://docs.example/", "as in https://docs.example."),
        ("https://owner.github.io/book/", "as in https://owner.github.io."),
        ("https://Docs.example", "as in https://docs.example."),
        ("https://docs.example:443", "write https://docs.example."),
        ("http://docs.example:80", "write http://docs.example."),
        ("https://docs.example:65536", "at most 65535"),
        ("https://user@docs.example", "without quote"),
        ("https://dócs.example", "xn--"),
        ("https://*.example", "a wildcard lets in every page"),
        ("*", "a wildcard lets in every page"),
        ("null", "scheme://host"),
        ("docs.example", "scheme://host"),
        ("ftp://docs.example", "scheme://host"),
        ("", "scheme://host"),
        ("https://" + "a" * 300, "scheme://host"),
    ],
)
def test_an_origin_that_is_none_is_refused_with_the_reason(inside, capsys, origin, reason):
    assert main(["--cors", PAGE, origin]) == 1
    said = capsys.readouterr().err
    assert "is no origin" in said
    assert reason in said
    assert os.listdir(inside) == []


@pytest.mark.parametrize(
    "origin",
    ["https://owner.github.io", "http://localhost:3000", "https://[::1]:3000", "https://xn--dcs-fna.example"],
)
def test_an_origin_is_taken_as_a_browser_writes_it(inside, origin):
    assert main(["--cors", origin, origin]) == 0
    assert f'\nORIGINS = ["{origin}"]\n' in (inside / "backend.py").read_text()


@pytest.mark.parametrize(
    ("arguments", "right"),
    [
        (["--auth", "basic"], "choose from 'none', 'better-auth', 'proxy'"),
        (["--db", "sqlite"], "choose from 'memory', 'redis', 'postgres'"),
        (["--llm", "none"], "choose from 'openai'"),
        (["--atuh", "none"], "Did you mean --auth?"),
        (["--out", "a.py"], "Did you mean --output?"),
        (["backend.py"], "The options are --help, --auth, --db, --llm, --cors, --output, --force."),
        (["--cors"], "expected at least one argument"),
    ],
)
def test_a_wrong_option_says_what_is_right(inside, capsys, arguments, right):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert right in capsys.readouterr().err
    assert os.listdir(inside) == []


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--auth", "proxy", "--cors", PAGE], "leave it out, and list the pages' origins in chatgate.toml"),
        (["--output", "my-backend.py"], "name a file such as backend.py"),
        (["--output", "backend.txt"], "name a file such as backend.py"),
        (["--output", "class.py"], "name a file such as backend.py"),
        (["--output", "redis.py"], "would hide the library redis"),
        (["--output", "json.py"], "would hide the library json"),
        (["--output", "nowhere/backend.py"], "There is no folder nowhere"),
        (["--output", "taken.py"], "taken.py is there already"),
        (["--output", "taken.py", "--force"], "taken.py is a folder"),
    ],
)
def test_a_configuration_that_would_not_work_is_refused_with_the_reason(inside, capsys, arguments, reason):
    (inside / "taken.py").mkdir()
    assert main(arguments) == 1
    assert reason in capsys.readouterr().err
    assert os.listdir(inside) == ["taken.py"]


def test_all_combinations_are_generated():
    chosen = {(options.auth, options.db, options.llm) for options in ALL}
    assert chosen == set(itertools.product(backend.AUTHS, backend.DBS, (None, "openai")))
    assert len({generate(options) for options in ALL}) == 18
