"""Running one command of the command line in this process."""

from typer.testing import CliRunner

from chatgate.cli import app


def chatgate(*words, stdin=None):
    return CliRunner().invoke(app, list(words), input=stdin)


def said(*words, stdin=None):
    """What a command that succeeds writes."""
    result = chatgate(*words, stdin=stdin)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*words, stdin=None):
    """What a command that fails writes as its error."""
    result = chatgate(*words, stdin=stdin)
    assert result.exit_code == 1, result.output
    return result.stderr
