"""`chatgate generate`: starter files for a site's owner, by the package that scripts/ calls as well."""

import typer

from scaffold import backend_command, widget_command

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Write starter files for a site, which are yours from then on.",
)

# The arguments are read in one place, so that the scripts have the same options.
_UNREAD = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}


@app.command("backend", help=backend_command.DESCRIPTION, context_settings=_UNREAD, add_help_option=False)
def generate_backend(context: typer.Context) -> None:
    raise typer.Exit(backend_command.main(context.args, context.command_path))


@app.command("widget", help=widget_command.DESCRIPTION, context_settings=_UNREAD, add_help_option=False)
def generate_widget(context: typer.Context) -> None:
    raise typer.Exit(widget_command.main(context.args, context.command_path))
