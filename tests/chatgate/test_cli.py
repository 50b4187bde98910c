from importlib import metadata

from tests.chatgate.command_line import said


def test_the_version_is_the_packages():
    assert said("--version") == f"chatgate {metadata.version('chatgate')}\n"
