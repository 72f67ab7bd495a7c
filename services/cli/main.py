"""The `shenbao` command: one module per command, put together here."""

import sys
import traceback

import typer

from services.cli import audit_commands, demo_command, serve_command
from services.cli.catalogue_commands import app as catalogue_app
from services.cli.check_command import check
from services.cli.checklist_command import checklist
from services.cli.disc_commands import app as disc_app
from services.cli.merge_command import merge

app = typer.Typer(name="shenbao", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
app.command()(check)
app.command()(merge)
app.command()(checklist)
app.command()(serve_command.serve)
app.command()(demo_command.demo)
app.add_typer(catalogue_app, name="catalogue")
app.add_typer(audit_commands.app, name="audit")
app.add_typer(disc_app, name="disc")


def main() -> None:
    """Run; typer ends with the command's exit code, wrong usage with 2, Ctrl-C with 130; an error that nobody foresaw
    is a bug and ends with 3 (`cli.md`).
    """
    try:
        app()
    except Exception:  # noqa: BLE001 - the contract gives every bug the exit code 3
        traceback.print_exc()
        sys.exit(3)


if __name__ == "__main__":
    main()
