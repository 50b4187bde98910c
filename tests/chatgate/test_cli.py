import subprocess
import sys
from importlib import metadata

import pytest

from chatgate.cli import COMMANDS, command
from tests.chatgate.command_line import chatgate, said

SERVICES = ("broker", "chat_proxy", "edge", "rag_backend", "scaffold", "tokens")


def test_the_version_is_the_packages():
    assert said("--version") == f"chatgate {metadata.version('chatgate')}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_has_the_first_paragraph_of_each_commands_own(name):
    own = command(name).help.partition("\n\n")[0]
    assert " ".join(own.split()) == COMMANDS[name]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_its_own_options_alone(name):
    listed = said(name, "--help")
    assert f" {name} " in listed
    assert "--install-completion" not in listed


def test_an_unknown_command_is_refused_with_the_nearest():
    result = chatgate("usrs")
    assert result.exit_code == 2
    assert "Did you mean 'users'?" in result.stderr


def test_the_help_imports_no_service():
    looked = f"[one for one in sys.modules if one.partition('.')[0] in {SERVICES}]"
    words = f"import sys, chatgate.cli; chatgate.cli.app(['--help'], standalone_mode=False); print({looked})"
    run = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"
