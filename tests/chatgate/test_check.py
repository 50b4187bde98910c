"""`chatgate check` and `chatgate index`."""

import redis

from tests.chatgate.commands import chatgate, refused, said
from tests.chatgate.test_surroundings import PRODUCTION


def test_a_good_configuration_is_summed_up_without_its_secrets(at_home):
    out = said("check")
    assert "development.toml: good for development." in out
    assert "docs\thttp://127.0.0.1:3000 http://localhost:3000\tbook\treader\tguest\t5000" in out
    assert "book\thttp://127.0.0.1:8002" in out
    for file in (at_home / ".chatgate" / "secrets").iterdir():
        assert file.read_text() not in out


def test_every_fault_has_its_line(at_home):
    (at_home / "chatgate.toml").write_text(
        PRODUCTION.replace('backend = "book"', 'backend = "bok"\ntire = "x"')
    )
    message = refused("check")
    assert message == "sites.docs.tire: there is no such key. Correct its spelling or remove it.\n"
    (at_home / "chatgate.toml").write_text(PRODUCTION.replace('backend = "book"', 'backend = "bok"'))
    message = refused("check")
    assert "sites.docs.backend: there is no [backends.bok]." in message
    assert "broker.secret: is missing." in message


def test_connect_names_what_does_not_answer(at_home, valkey, monkeypatch):
    monkeypatch.setenv("REDIS_URL", valkey.url)
    monkeypatch.setenv("CHATGATE_BACKENDS_BOOK_URL", "http://127.0.0.1:1")
    message = refused("check", "--connect")
    assert "backends.book: http://127.0.0.1:1/healthz does not answer" in message
    assert "redis: " not in message
    valkey.kill()
    assert "redis: does not answer" in refused("check", "--connect")


def test_connect_refuses_a_redis_that_throws_keys_away(at_home, valkey, monkeypatch):
    monkeypatch.setenv("REDIS_URL", valkey.url)
    with redis.Redis.from_url(valkey.url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
    assert "maxmemory-policy is allkeys-lru" in refused("check", "--connect")


def test_a_book_is_indexed(at_home):
    (at_home / "docs").mkdir()
    (at_home / "docs" / "one.md").write_text("# One\n\nThe first page speaks of lighthouses.\n")
    out = said("index", "docs", "--base-url", "/")
    assert "book.db: 1 pages, 1 passages" in out
    assert (at_home / ".chatgate" / "book.db").is_file()


def test_an_index_goes_where_it_is_told_without_a_configuration(at_home, monkeypatch):
    monkeypatch.setenv("CHATGATE_CONFIG", "gone.toml")
    (at_home / "docs").mkdir()
    (at_home / "docs" / "one.md").write_text("# One\n\nThe first page speaks of lighthouses.\n")
    said("index", "docs", "--base-url", "/", "--into", "here.db")
    assert (at_home / "here.db").is_file()


def test_a_folder_without_pages_is_refused(at_home):
    (at_home / "docs").mkdir()
    assert chatgate("index", "docs").exit_code == 1
    assert not (at_home / ".chatgate" / "book.db").exists()
