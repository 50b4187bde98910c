"""The steps that the generator of the widget prints, taken as they are, and the folders it refuses."""

import os
import re
import shlex
import subprocess
import sys
import textwrap
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner

from chatgate.cli import app
from chatgate.environment import for_development
from scaffold.widget_command import main
from tests.chatgate.command_line import chatgate
from tests.matches import find
from tests.processes import REPOSITORY

SCRIPT = REPOSITORY / "scripts" / "generate_chatkit_widget.py"
UP = "http://127.0.0.1:8001"
COMPOSE = "http://127.0.0.1:8080"
PUBLIC = "https://chat.example.org"


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docusaurus.config.js").write_text("export default {};\n")
    return tmp_path


@pytest.fixture
def services(site, monkeypatch):
    """The folder of `chatgate up`, without a variable of ours."""
    for name in list(os.environ):
        if name.startswith("CHATGATE_") or name == "REDIS_URL":
            monkeypatch.delenv(name)
    folder = site / "services"
    folder.mkdir()
    return folder


def steps(capsys, *arguments):
    assert main(arguments) == 0
    return capsys.readouterr().out


def toml_of(said):
    """The lines of the configuration, without their indent."""
    return textwrap.dedent(find(r"^  In .*chatgate\.toml.*:\n((?:    .*\n)+)", said, re.MULTILINE)[1])


def port_of_start(said):
    return int(re.findall(r"npm start -- --port (\d+)", said)[0]) if "--port" in said else 3000


@pytest.mark.parametrize("client_id", ["docs", "handbook"])
@pytest.mark.parametrize("auth", ["guest", "better-auth"])
@pytest.mark.parametrize("backend", [UP, COMPOSE])
def test_one_port_is_in_all_steps(site, capsys, backend, auth, client_id):
    said = steps(capsys, "--backend-url", backend, "--client-id", client_id, "--auth", auth)
    port = port_of_start(said)
    assert port == (3001 if backend == UP else 3000)
    toml = toml_of(said)
    assert f'origins = ["http://localhost:{port}"' in toml
    assert f'redirect_uris = ["http://localhost:{port}/chatgate-callback.html"' in toml


@pytest.mark.parametrize("client_id", ["docs", "handbook"])
@pytest.mark.parametrize("auth", ["guest", "better-auth"])
def test_check_and_up_take_the_configuration_as_it_is(services, capsys, monkeypatch, auth, client_id):
    said = steps(capsys, "--backend-url", UP, "--client-id", client_id, "--auth", auth)
    (services / "chatgate.toml").write_text(toml_of(said))
    monkeypatch.chdir(services)
    checked = chatgate("check")
    assert checked.exit_code == 0, checked.output
    settings = for_development({}, services).settings
    assert settings.backends["book"].url == "http://127.0.0.1:8002"
    one = settings.sites[client_id]
    assert one.guests == (auth == "guest")
    assert {f"{part.scheme}://{part.netloc}" for part in map(urlsplit, one.redirect_uris)} == set(one.origins)
    # The plain pages of `chatgate up` are of the site docs, and still may ask.
    assert ("http://127.0.0.1:3000" in one.origins) == (client_id == "docs")


def test_a_published_site_has_its_backend_in_the_configuration_too(site, capsys):
    said = steps(capsys, "--backend-url", PUBLIC, "--client-id", "handbook", "--auth", "guest")
    toml = toml_of(said)
    assert 'origins = ["https://owner.github.io"]' in toml
    assert '[backends.book]\nurl = "http://127.0.0.1:8002"\n' in toml
    # Here the widget asks a `chatgate up`, which takes sign-ins of a site at this port without a path.
    assert "BASE_URL=/ npm start -- --port 3001, beside a `chatgate up` without a chatgate.toml" in said
    assert "env =" not in toml


def test_a_script_names_the_other_script_where_it_is(site):
    done = subprocess.run([sys.executable, str(SCRIPT)], cwd=site, capture_output=True, text=True, check=True)
    other = find(r"^    python (.+), and the uvicorn", done.stdout, re.MULTILINE)[1]
    assert (site / shlex.split(other)[0]).is_file()


def test_a_command_names_the_other_command(site):
    said = CliRunner().invoke(app, ["generate", "widget"], prog_name="chatgate").output
    assert "    chatgate generate backend, and the uvicorn command" in said
    assert "generate_fastapi_backend.py" not in said


def test_a_folder_that_is_no_site_is_refused_before_anything_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for folder in (".", "new"):
        assert main(["--output-dir", folder]) == 1
        said = capsys.readouterr().err
        assert "docusaurus.config" in said
        assert "nothing was written" in said
        assert "--force" in said
    assert list(tmp_path.iterdir()) == []
    assert main(["--output-dir", "new", "--force"]) == 0
    assert (tmp_path / "new" / "src" / "config" / "chat.js").is_file()
