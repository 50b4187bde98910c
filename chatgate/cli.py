"""The command line. The module of a command is imported when the command is run; a Fault prints its message
and exits with its code."""

import importlib
from importlib import metadata
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from typer.core import TyperCommand, TyperGroup

from chatgate.faults import Fault

# `chatgate --help` must not wait for every module, so it has the texts here. A test compares them with the
# commands' own.
COMMANDS: Final = {
    "up": "Start the whole stack for development, and show its logs until Ctrl-C.",
    "check": "Read the configuration as the services do: what is wrong with it, or what it comes to.",
    "doctor": "Look at a deployed site from outside, as a reader's browser would, and explain what is wrong.",
    "feedback": (
        "Which answers readers found helpful, the latest first: 90 days, the newest 1,000 of a site."
    ),
    "index": "Index a book for the reference backend, which answers from the new one at once.",
    "ask": "Answer a question from a book without any service, and show what was found and why.",
    "evaluate": (
        "Measure how well a book's questions are found: hits among the first passages, refusals, times."
    ),
    "usage": "Questions, tokens and cost by day, backend and tier: 35 days.",
    "users": "Accounts: add, list, ban, unban, tier, delete.",
    "sessions": "Sessions: list those of a user; end one, a user's, a site's, or all; end a token.",
    "keys": "Signing keys: list them, rotate, retire one in an emergency.",
    "generate": "Write starter files for a site, which are yours from then on.",
}


class _Commands(TyperGroup):
    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, help_text in COMMANDS.items():
            self.add_command(TyperCommand(name, callback=None, help=help_text))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, _, rest = super().resolve_command(ctx, args)
        return name, command(str(name)), rest

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Fault as fault:
            Console(stderr=True).print(str(fault), soft_wrap=True, markup=False, highlight=False)
            raise typer.Exit(fault.exit_code) from None


def command(name: str) -> Any:
    """Import the command `name` of COMMANDS."""
    return typer.main.get_command(importlib.import_module(f"chatgate.commands.{name}").app)


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A token broker and a chat proxy in front of a documentation site's AI chat.",
)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        print(f"chatgate {metadata.version('chatgate')}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version),
]


@app.callback()
def begin(_version: Version = False) -> None:
    """Take the options that stand before a command."""


def main() -> None:
    app()
