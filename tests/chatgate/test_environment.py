"""The settings of a command, from variables and the working folder."""

import re
import stat

import pytest

from chatgate.environment import DEVELOPMENT_TOML, for_development, origin_at, read_environment
from chatgate.faults import Fault
from tests.chatgate.command_line import chatgate, refused, said
from tests.chatgate.configurations import PRODUCTION
from tests.matches import find
from tests.processes import REPOSITORY


def test_an_empty_folder_gets_a_whole_development_stack(folder):
    around = read_environment({}, folder)
    settings = around.settings
    assert around.config == DEVELOPMENT_TOML
    assert settings.env == "development"
    assert settings.broker.url == "http://127.0.0.1:8000"
    assert settings.broker.cookie_prefix == "better-auth"
    assert settings.sites["docs"].origins == (
        "http://127.0.0.1:3000",
        "http://localhost:3000",
        "http://127.0.0.1:3001",
        "http://localhost:3001",
    )
    assert settings.sites["docs"].redirect_uris == (
        "http://127.0.0.1:3000/chatgate-callback.html",
        "http://localhost:3000/chatgate-callback.html",
        "http://127.0.0.1:3001/chatgate-callback.html",
        "http://localhost:3001/chatgate-callback.html",
        "http://127.0.0.1:3001/book/chatgate-callback.html",
        "http://127.0.0.1:3001/book/ar/chatgate-callback.html",
        "http://localhost:3001/book/chatgate-callback.html",
        "http://localhost:3001/book/ar/chatgate-callback.html",
    )
    assert settings.redis.url is not None
    assert settings.redis.url.get_secret_value() == f"unix://{folder}/.chatgate/valkey/s"
    assert around.valkey == folder / ".chatgate" / "valkey"
    assert around.index == folder / ".chatgate" / "book.db"


def test_ports_move_the_addresses_that_follow_from_them(folder):
    ports = {"BROKER": "18000", "PROXY": "18001", "BACKEND": "18002", "PAGE": "13000", "SITE": "13001"}
    around = read_environment({f"CHATGATE_{name}_PORT": port for name, port in ports.items()}, folder)
    assert around.settings.broker.port == 18000
    assert around.settings.broker.cookie_prefix == "chatgate-18000"
    assert around.settings.broker.url == "http://127.0.0.1:18000"
    assert around.settings.proxy.url == "http://127.0.0.1:18001"
    assert (around.settings.broker.metrics_port, around.settings.proxy.metrics_port) == (19000, 19001)
    assert around.settings.backends["book"].url == "http://127.0.0.1:18002"
    assert around.environ["CHATGATE_BACKEND_PORT"] == "18002"
    sites = around.settings.sites["docs"]
    assert {uri.split("/")[2].partition(":")[2] for uri in sites.origins} == {"13000", "13001"}
    assert "http://localhost:13000/chatgate-callback.html" in sites.redirect_uris
    assert "http://localhost:13001/chatgate-callback.html" in sites.redirect_uris
    assert "http://127.0.0.1:13001/book/ar/chatgate-callback.html" in sites.redirect_uris


def test_secrets_are_made_once_for_their_owner_alone(folder):
    first = read_environment({}, folder)
    second = read_environment({}, folder)
    assert first.settings.broker.secret == second.settings.broker.secret
    assert first.settings.broker.secret is not None
    assert len(first.settings.broker.secret.get_secret_value()) == 64
    files = sorted((folder / ".chatgate" / "secrets").iterdir())
    assert [file.name for file in files] == ["backend-book.secret", "broker.secret"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((folder / ".chatgate").stat().st_mode) == 0o700
    assert first.environ["CHATGATE_BACKEND_SECRET_FILE"] == str(files[0])


def test_a_file_of_ones_own_wins_and_its_gaps_are_filled(folder):
    (folder / "chatgate.toml").write_text(
        'env = "development"\ndata_dir = "kept"\n[broker]\nport = 9100\ncookie_prefix = "own"\n'
        '[sites.docs]\norigins = ["http://localhost:5000"]\nbackend = "other"\n'
        '[backends.other]\nurl = "http://127.0.0.1:9200"\n'
    )
    around = read_environment({}, folder)
    assert around.config == folder / "chatgate.toml"
    assert around.data_dir == folder / "kept"
    assert around.settings.broker.url == "http://127.0.0.1:9100"
    assert around.settings.broker.cookie_prefix == "own"
    assert around.settings.sites["docs"].origins == ("http://localhost:5000",)
    assert around.settings.sites["docs"].redirect_uris == ()
    assert around.settings.backends["other"].url == "http://127.0.0.1:9200"
    assert around.settings.backends["other"].secret is not None


def test_the_file_that_the_widgets_page_gives_for_a_site_of_ones_own_is_whole(folder):
    page = (REPOSITORY / "docs" / "widget.md").read_text()
    (folder / "chatgate.toml").write_text(find(r'```toml\n(env = "development"\n.*?)```', page, re.DOTALL)[1])
    settings = for_development({}, folder).settings
    assert settings.sites["handbook"].redirect_uris[0].startswith(settings.sites["handbook"].origins[0])
    assert settings.backends["book"].url == "http://127.0.0.1:8002"


def test_nothing_is_filled_in_for_production(folder):
    (folder / "chatgate.toml").write_text(PRODUCTION)
    with pytest.raises(Fault) as raised:
        read_environment({}, folder)
    mend = "is missing. Set {}_FILE to a file made by `openssl rand -hex 32`."
    assert str(raised.value).splitlines() == [
        "broker.secret: " + mend.format("CHATGATE_BROKER_SECRET"),
        "backends.book.secret: " + mend.format("CHATGATE_BACKENDS_BOOK_SECRET"),
    ]
    assert not (folder / ".chatgate").exists()


def test_a_file_that_serves_both_is_used_when_the_environment_says_development(folder):
    (folder / "chatgate.toml").write_text(PRODUCTION)
    around = for_development({"CHATGATE_ENV": "development"}, folder)
    assert around.config == folder / "chatgate.toml"
    assert around.settings.env == "development"


def test_a_configured_redis_takes_the_place_of_the_embedded_one(folder):
    around = read_environment({"REDIS_URL": "redis://127.0.0.1:6390/0"}, folder)
    assert around.valkey is None
    assert around.redis_url == "redis://127.0.0.1:6390/0"


def test_the_backend_is_told_a_secret_that_is_given(folder):
    secret = "0123456789abcdef" * 4
    around = read_environment({"CHATGATE_BACKENDS_BOOK_SECRET": secret}, folder)
    assert around.environ["CHATGATE_BACKEND_SECRET"] == secret
    assert "CHATGATE_BACKEND_SECRET_FILE" not in around.environ


@pytest.mark.parametrize("port", ["none", "0", "65536", "-1"])
def test_a_port_that_is_none_is_named(folder, port):
    with pytest.raises(Fault, match=f"CHATGATE_BROKER_PORT is '{port}': a port is a number"):
        read_environment({"CHATGATE_BROKER_PORT": port}, folder)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"CHATGATE_CONFIG": "gone.toml"}, "there is no such file"),
        ({"CHATGATE_BROKER_PROT": "1"}, "CHATGATE_BROKER_PROT is no setting"),
        ({"CHATGATE_BROKER_HOST": "0.0.0.0"}, "broker.host: development binds loopback only"),
    ],
)
def test_a_fault_is_told(folder, variables, message):
    with pytest.raises(Fault, match=message):
        read_environment(variables, folder)


def test_a_file_that_is_no_toml_is_named(folder):
    (folder / "chatgate.toml").write_text("[sites")
    with pytest.raises(Fault, match=r"chatgate\.toml: "):
        read_environment({}, folder)


def test_pages_are_named_by_the_host_that_the_site_registers(folder):
    assert origin_at(read_environment({}, folder), 3001) == "http://127.0.0.1:3001"
    origins = {"CHATGATE_SITES_DOCS_ORIGINS": "http://localhost:3001"}
    around = read_environment(origins, folder)
    assert origin_at(around, 3001) == "http://localhost:3001"
    assert origin_at(around, 3000) == "http://127.0.0.1:3000"


SUB = "s" * 32


@pytest.mark.parametrize(
    "words",
    [
        ("users", "list"),
        ("users", "add", "ann@example.com", "--password-stdin"),
        ("users", "ban", "ann@example.com"),
        ("sessions", "list", SUB),
        ("sessions", "revoke", "--all"),
        ("keys", "list"),
        ("keys", "rotate"),
        ("keys", "retire", "--unreadable"),
        ("feedback",),
        ("usage",),
        ("ask", "perlite"),
        ("evaluate", "questions.jsonl"),
    ],
)
def test_a_command_where_no_stack_is_says_so_and_leaves_nothing(at_home, words):
    result = chatgate(*words, stdin="a tall ship and a star\n")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(
        f"There is no stack's data here: {at_home}/.chatgate does not exist. Run "
    )
    assert list(at_home.iterdir()) == []


def test_a_data_folder_that_is_not_there_is_named(at_home, monkeypatch):
    monkeypatch.setenv("CHATGATE_DATA_DIR", "kpet")
    assert f"{at_home}/kpet does not exist" in chatgate("users", "list").stderr
    assert list(at_home.iterdir()) == []
    (at_home / "kept").mkdir()
    monkeypatch.setenv("CHATGATE_DATA_DIR", "kept")
    assert said("users", "list").count("\n") == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CHATGATE_BROKER_DATABASE_URL", "sqlite:///elsewhere.db"),
        ("CHATGATE_CONFIG", "mine.toml"),
        ("CHATGATE_DATA_DIR", "file/data"),
    ],
)
def test_data_that_is_named_is_taken_to_be_there(at_home, monkeypatch, name, value):
    (at_home / "file").touch()
    (at_home / "mine.toml").write_text(DEVELOPMENT_TOML.read_text())
    monkeypatch.setenv(name, value)
    assert chatgate("users", "list").exit_code == (1 if value == "file/data" else 0)


def test_an_index_that_is_named_is_asked_and_nothing_else_is_made(at_home, monkeypatch):
    (at_home / "docs").mkdir()
    (at_home / "docs" / "one.md").write_text("# One\n\nThe first page speaks of lighthouses.\n")
    said("index", "docs", "--base-url", "/", "--into", "here.db")
    left = set(at_home.iterdir())
    monkeypatch.setenv("CHATGATE_BACKEND_INDEX", "here.db")
    assert "lighthouses" in said("ask", "Which page speaks of lighthouses?")
    monkeypatch.delenv("CHATGATE_BACKEND_INDEX")
    assert "lighthouses" in said("ask", "Which page speaks of lighthouses?", "--book", "docs")
    assert set(at_home.iterdir()) == left
    (at_home / ".chatgate").mkdir()
    assert "index" in refused("ask", "Which page speaks of lighthouses?")
    assert list((at_home / ".chatgate").iterdir()) == []
