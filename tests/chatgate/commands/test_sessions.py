"""`chatgate sessions` on real SQLite and Valkey."""

import pytest

from broker.accounts.accounts import new_id
from tests.chatgate.command_line import chatgate, refused, said
from tests.chatgate.processes import until
from tests.chatgate.readers import add, living, sign_in
from tokens import liveness


def test_sessions_are_listed_by_address_or_id(home):
    sub = add()
    sid = sign_in(sub)
    assert chatgate("sessions", "list", "ann@example.com").stderr == f"user {sub}\n"
    out = said("sessions", "list", "ann@example.com")
    assert out == said("sessions", "list", sub)
    [_, line] = out.splitlines()
    assert line.split("\t")[:4] == [sid, "docs", "reader", "password"]
    assert line.endswith("192.0.2.7\tA \\x1b[31mbrowser")


def test_one_session_of_several_ends(home):
    sub = add()
    first, second = sign_in(sub), sign_in(sub)
    said("sessions", "revoke", "--session", sub, first)
    assert living(sub) == {second}
    said("sessions", "revoke", "--session", "ann@example.com", second)
    assert living(sub) == set()
    assert "was not alive" in refused("sessions", "revoke", "--session", sub, first)


def test_all_sessions_of_a_user_end(home):
    sub = add()
    sign_in(sub), sign_in(sub)
    assert said("sessions", "revoke", "--user", "ann@example.com") == "2 sessions ended.\n"
    assert living(sub) == set()


def test_all_sessions_of_a_user_but_one_end(home):
    sub = add()
    other = add("bob@example.com")
    kept, bobs = sign_in(sub), sign_in(other)
    sign_in(sub), sign_in(sub)
    assert said("sessions", "revoke", "--others", "ann@example.com", kept) == "2 sessions ended.\n"
    assert living(sub) == {kept}
    assert living(other) == {bobs}
    assert said("sessions", "revoke", "--others", sub, kept) == "0 sessions ended.\n"


def test_a_session_to_keep_that_is_not_alive_ends_nothing(home):
    sub = add()
    living_one, dead_one = sign_in(sub), sign_in(sub)
    said("sessions", "revoke", "--session", sub, dead_one)
    assert "so nothing was ended" in refused("sessions", "revoke", "--others", sub, dead_one)
    assert living(sub) == {living_one}


@pytest.mark.parametrize("jti", ["-starts-like-opt", "BhJ1c_2SD4pUzM0Q", "BhJ1c_2SD4pUzM0Q.9xW3nK7e-RtYqLbA"])
def test_a_token_is_refused_for_as_long_as_any_could_live(home, server, jti):
    sub = add()
    sid = sign_in(sub)
    listener = server.pubsub(ignore_subscribe_messages=True)
    listener.subscribe(liveness.REVOKED_CHANNEL)
    listener.get_message(timeout=1)
    out = said("sessions", "revoke", "--token", "ann@example.com", jti)
    assert out == f"The token {jti} of {sub} is refused from now on.\n"
    assert 420 < server.ttl(liveness.revoked_token(sub, jti)) <= 430
    assert until(lambda: listener.get_message(timeout=0.1))["data"] == f"{sub} jti:{jti}"
    assert living(sub) == {sid}
    listener.close()


@pytest.mark.parametrize(("words", "field"), [(("--client", "docs"), "client:docs"), (("--all",), "all")])
def test_a_cut_is_the_servers_time_and_is_announced(home, server, words, field):
    listener = server.pubsub(ignore_subscribe_messages=True)
    listener.subscribe(liveness.REVOKED_CHANNEL)
    listener.get_message(timeout=1)
    seconds, micros = server.time()
    said("sessions", "revoke", *words)
    after, _ = server.time()
    cut = int(server.hget(liveness.CUT, field))
    assert seconds * 1000 + micros // 1000 <= cut <= (after + 1) * 1000
    assert until(lambda: listener.get_message(timeout=0.1))["data"] == "*"
    listener.close()


def test_a_cut_never_goes_back(home, server):
    server.hset(liveness.CUT, "all", 9_999_999_999_999)
    said("sessions", "revoke", "--all")
    assert server.hget(liveness.CUT, "all") == "9999999999999"


def test_without_cuts_none_is_made(home, server):
    server.delete(liveness.CUT)
    assert "Redis keeps no cuts" in refused("sessions", "revoke", "--all")
    assert not server.exists(liveness.CUT)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "Say which: one of --token, --session, --others, --user, --client and --all."),
        (("--all", "--client", "docs"), "Say which: one of"),
        (("--others", new_id(), "x", "--user", new_id()), "Say which: one of"),
        (("--token", new_id(), "x", "--all"), "Say which: one of"),
        (("--client", "dcos"), "There is no site dcos. The configuration has: docs."),
        (("--user", "x@example.com"), "No account has the address"),
        (("--user", "x"), "neither an address nor a user's id"),
        (("--session", "x", "y"), "neither an address nor a user's id"),
        (("--session", new_id(), "no session"), "--session takes the user and the session"),
        (("--session", new_id(), "gone"), "was not alive"),
        (("--others", new_id(), "no session"), "--others takes the user and the session"),
        (("--others", new_id(), "gone"), "so nothing was ended"),
        (("--others", "x@example.com", "gone"), "No account has the address"),
        (("--token", new_id(), "no token"), "--token takes the user and the token, as `sub` and `jti`"),
        (("--token", new_id(), "a" * 15), "--token takes the user and the token"),
        (("--token", "x", "a" * 16), "neither an address nor a user's id"),
    ],
)
def test_which_sessions_is_said_clearly(home, words, message):
    assert message in refused("sessions", "revoke", *words)
