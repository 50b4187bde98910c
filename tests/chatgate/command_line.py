"""Running one command of the command line in this process."""

from typer.testing import CliRunner

from chatgate.cli import app


def chatgate(*words, stdin=None):
    return CliRunner().invoke(app, list(words), input=stdin)


def said(*words, stdin=None):
    """The output of a command that succeeds."""
    result = chatgate(*words, stdin=stdin)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*words, stdin=None):
    """The error output of a command that fails."""
    result = chatgate(*words, stdin=stdin)
    assert result.exit_code == 1, result.output
    return result.stderr
