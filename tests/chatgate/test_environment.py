"""The settings of a command, from variables and the working folder."""

import re
import stat

import pytest

from chatgate.environment import DEVELOPMENT_TOML, for_development, read_environment
from chatgate.faults import Fault
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
