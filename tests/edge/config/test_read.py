from pathlib import Path

import pytest

from broker.config import resolve as resolve_broker
from edge.config.checks import Owner
from edge.config.read import find, read
from edge.config.schema import NAMED_TABLES, ConfigurationError
from edge.config.variables import keys, variable
from rag_backend.config import _Variables
from tests.edge.config.configurations import GOOD, SECRETS

ROOT = Path(__file__).parents[3]


def load(tmp_path, text=GOOD, **environ):
    path = tmp_path / "chatgate.toml"
    path.write_text(text)
    return read(path, {**SECRETS, **environ})


def faults(tmp_path, text=GOOD, **environ):
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path, text, **environ)
    return str(caught.value)


def test_the_example_is_a_whole_configuration():
    settings = read(ROOT / "chatgate.example.toml", SECRETS)
    config = resolve_broker(settings)
    assert config.issuer == "https://auth.example.org"
    assert config.is_https
    assert settings.tiers["guest"].concurrent == 1


def test_a_variable_beats_the_file_and_a_secret_may_be_a_file(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("a secret in a file, with a newline\n")
    environ = {name: value for name, value in SECRETS.items() if name != "CHATGATE_BROKER_SECRET"}
    path = tmp_path / "chatgate.toml"
    path.write_text(GOOD)
    settings = read(
        path,
        {
            **environ,
            "CHATGATE_BROKER_SECRET_FILE": str(secret),
            "CHATGATE_BROKER_PORT": "9999",
            "CHATGATE_SITES_MY_DOCS_GUESTS": "true",
            "CHATGATE_SITES_MY_DOCS_ORIGINS": "https://a.example,https://b.example",
            "CHATGATE_PAGE_PORT": "3001",
            "CHATGATE_BACKEND_LLM_MODEL": "read elsewhere",
        },
    )
    assert settings.broker.port == 9999
    assert settings.broker.secret is not None
    assert settings.broker.secret.get_secret_value() == "a secret in a file, with a newline"
    assert settings.sites["my-docs"].guests
    assert settings.sites["my-docs"].origins == ("https://a.example", "https://b.example")


def test_a_built_in_tier_keeps_what_is_not_said_of_it(tmp_path):
    text = GOOD + "[tiers.guest]\nburst = 2\n[tiers.gold]\nconcurrent = 9"
    tiers = load(tmp_path, text, CHATGATE_TIERS_READER_CONCURRENT="7").tiers
    assert (tiers["guest"].burst, tiers["guest"].daily_questions) == (2, 20)
    assert (tiers["reader"].concurrent, tiers["reader"].daily_questions) == (7, 200)
    assert (tiers["gold"].concurrent, tiers["gold"].burst) == (9, 5)


def test_secrets_are_in_no_text_of_the_settings(tmp_path):
    shown = repr(load(tmp_path))
    assert not any(value in shown for name, value in SECRETS.items() if name != "REDIS_URL")


@pytest.mark.parametrize(
    ("text", "environ", "said"),
    [
        ("[backends.book]\nurl = 'http://b.c'", {}, "sites: no site is registered. Add a table [sites.docs]"),
        ("[sites", {}, "chatgate.toml"),
        (GOOD + "[broker]\nurl = 'https://auth.example.org/'", {}, "broker.url: must be scheme://host"),
        (GOOD + "[broker]\nurl = 'http://auth.example.org'", {}, "broker.url: must be https://"),
        (GOOD + "[broker]\nprot = 1", {}, "broker.prot: there is no such key"),
        (GOOD + "[broker]\nport = 0", {}, "broker.port: "),
        (GOOD + "[broker]\nalgorithm = 'HS256'", {}, "broker.algorithm: "),
        (GOOD + "[sites.x]\norigins = ['https://*.b.c']\nbackend='book'", {}, "sites.x.origins: wildcards"),
        (GOOD + "[sites.x]\norigins = ['https://b.c:443']\nbackend='book'", {}, "must not name the default"),
        (GOOD + "[sites.x]\norigins = []\nbackend='book'", {}, "sites.x.origins: "),
        (GOOD + "[sites.x]\norigins = ['https://b.c']", {}, "sites.x.backend: is missing"),
        (GOOD + "[sites.x]\norigins = ['https://b.c']\nbackend='y'", {}, "there is no [backends.y]"),
        (
            GOOD + "[sites.x]\norigins = ['https://b.c']\nbackend='book'\ntier='y'",
            {},
            "there is no [tiers.y]",
        ),
        (GOOD + "[sites.X_Y]\norigins = ['https://b.c']\nbackend='book'", {}, "sites.X_Y: a name has"),
        (GOOD + "[proxy]\nauth = 'none'", {}, 'proxy.auth: "none" lets every caller ask'),
        (GOOD + "[edge]\ntrusted_proxies = ['everyone']", {}, "edge.trusted_proxies: "),
        (
            GOOD.replace("https://owner", "http://owner"),
            {},
            "sites.my-docs: http://owner.github.io must be https://",
        ),
        (
            GOOD.replace("backend =", 'redirect_uris = ["https://elsewhere.example/"]\nbackend ='),
            {},
            "sites.my-docs.redirect_uris: each must be a page under one of the site's origins",
        ),
        (
            GOOD.replace("backend =", 'redirect_uris = ["https://owner.github.io/*"]\nbackend ='),
            {},
            "sites.my-docs.redirect_uris: must be the whole address of one page",
        ),
        (
            GOOD.replace("backend =", 'redirect_uris = ["https://owner.github.io/a/../b"]\nbackend ='),
            {},
            "must be the whole address of one page",
        ),
        (
            GOOD + '[resource_servers.my-docs]\nsecret = "0123456789abcdef-of-a-server-0123"',
            {},
            "a site has this name",
        ),
        (GOOD + "[resource_servers.gateway]", {}, "resource_servers.gateway.secret: is missing"),
        (GOOD, {"CHATGATE_BROKER_PREVIOUS_SECRETS": "short"}, "broker.previous_secrets.0: has fewer than 32"),
        (GOOD, {"CHATGATE_BROKER_SECRET": "short"}, "broker.secret: has fewer than 32 bytes"),
        (GOOD, {"CHATGATE_BROKER_SECRET": "a" * 64}, "broker.secret: has fewer than 32 bytes"),
        (GOOD, {"CHATGATE_BROKER_SECRET": SECRETS["CHATGATE_BACKENDS_BOOK_SECRET"]}, "two of them are equal"),
        (GOOD, {"CHATGATE_BROKER_SECRET_FILE": "/x"}, "are both set: unset one"),
        (GOOD, {"CHATGATE_PROXY_URL_FILE": "/nowhere"}, "CHATGATE_PROXY_URL_FILE: /nowhere does not exist"),
        (GOOD, {"CHATGATE_BROKER_PROT": "1"}, "CHATGATE_BROKER_PROT is no setting"),
        (GOOD, {"REDIS_URL": "http://127.0.0.1"}, "redis.url: must begin with redis://"),
        (GOOD, {"REDIS_URL": "redis+sentinel://127.0.0.1"}, "redis.url: must name the master, as in"),
        (
            GOOD,
            {"REDIS_URL": "redis+sentinel://127.0.0.1/readers"},
            "redis.wait_replicas: is missing. Set it",
        ),
        (GOOD, {"REDIS_URL": "redis+cluster://127.0.0.1"}, "redis.wait_replicas: is missing. Set it"),
        (GOOD + "[broker]\ndatabase_url = 'mysql://x/y'", {}, "broker.database_url: must begin with sqlite"),
        (GOOD + "[sites.x]\norigins = 'https://b.c'\nbackend='book'", {}, "sites.x.origins: must be a list"),
        (GOOD, {"CHATGATE_ENV": "staging"}, "env: "),
        (
            GOOD,
            {"CHATGATE_ENV": "development", "CHATGATE_BROKER_HOST": "0.0.0.0"},
            "broker.host: development",
        ),
    ],
)
def test_a_fault_names_its_key_and_its_mend(tmp_path, text, environ, said):
    shown = faults(tmp_path, text, **environ)
    assert said in shown
    assert not any(secret in shown for secret in SECRETS.values() if secret.startswith(("0123", "fedc")))


def test_without_a_redis_url_it_is_asked_for(tmp_path):
    path = tmp_path / "chatgate.toml"
    path.write_text(GOOD)
    with pytest.raises(ConfigurationError, match=r"redis\.url: is missing\. Set REDIS_URL"):
        read(path, {name: value for name, value in SECRETS.items() if name != "REDIS_URL"})


def test_an_origin_that_is_refused_is_not_a_missing_one_as_well(tmp_path):
    shown = faults(tmp_path, GOOD + "[sites.x]\norigins = ['https://*.b.c']\nbackend='book'")
    assert len(shown.splitlines()) == 1


def test_each_service_needs_its_own_secrets_only(tmp_path):
    path = tmp_path / "chatgate.toml"
    path.write_text(GOOD)
    owners: dict[Owner, str] = {
        "broker": "CHATGATE_BROKER_SECRET",
        "backends": "CHATGATE_BACKENDS_BOOK_SECRET",
    }
    for owner, name in owners.items():
        environ = {name: SECRETS[name], "REDIS_URL": SECRETS["REDIS_URL"]}
        assert read(path, environ, frozenset({owner})).sites
        with pytest.raises(ConfigurationError, match="secret: is missing"):
            read(path, environ)


def test_the_working_folders_file_is_found_unless_another_is_named(tmp_path):
    assert find({}, tmp_path) is None
    (tmp_path / "chatgate.toml").touch()
    assert find({}, tmp_path) == tmp_path / "chatgate.toml"
    assert find({"CHATGATE_CONFIG": "/other.toml"}, tmp_path) == Path("/other.toml")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match=r"nowhere\.toml: there is no such file"):
        read(tmp_path / "nowhere.toml", SECRETS)


def test_every_setting_is_documented():
    documented = (ROOT / "docs" / "configuration.md").read_text()
    for path, _ in keys({table: ["NAME"] for table in NAMED_TABLES}):
        assert f"`{variable(*path)}`" in documented
    for name in _Variables.model_fields:
        assert f"`CHATGATE_BACKEND_{name.upper()}`" in documented
