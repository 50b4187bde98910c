"""Running one command of the command line in this process."""

from typer.testing import CliRunner, Result

from chatgate.cli import app


def chatgate(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, list(words), input=stdin)


def said(*words: str, stdin: str | None = None) -> str:
    """The output of a command that succeeds."""
    result = chatgate(*words, stdin=stdin)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*words: str, stdin: str | None = None) -> str:
    """The error output of a command that fails."""
    result = chatgate(*words, stdin=stdin)
    assert result.exit_code == 1, result.output
    return result.stderr
