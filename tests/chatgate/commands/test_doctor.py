"""`chatgate doctor`: what it takes, and what it refuses before it asks a server."""

import pytest

from chatgate.commands import doctor
from tests.chatgate.command_line import chatgate


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--site", "ftp://owner.github.io/"], "not an http or https address"),
        (["--site", "http://user:secret@127.0.0.1/"], "not an http or https address"),
        (["--site", "http://127.0.0.1:1/", "--broker", "https://a.example/b"], "an origin and nothing more"),
        (["--site", "http://127.0.0.1:1/", "--proxy", "http://a.example"], "use https"),
        (["--site", "http://127.0.0.1:1/", "--account", "ada"], "address of an account"),
        (["--site", "http://127.0.0.1:1/", "--account", "a@b.c", "--guest"], "not both"),
        (["--site", "http://127.0.0.1:1/", "--account", "a@b.c"], "CHATGATE_DOCTOR_PASSWORD"),
        ([], "--site"),
    ],
)
def test_a_wrong_use_is_code_2_and_says_what_is_right(words, message, monkeypatch):
    monkeypatch.delenv(doctor.PASSWORD, raising=False)
    result = chatgate("doctor", *words)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())


def test_a_password_of_the_environment_goes_to_a_named_broker_alone(monkeypatch):
    monkeypatch.setenv(doctor.PASSWORD, "one-that-must-not-leave")
    result = chatgate("doctor", "--site", "http://127.0.0.1:1/", "--account", "ada@example.com")
    assert result.exit_code == 2
    assert "one-that-must-not-leave" not in result.output
