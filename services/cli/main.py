"""The `shenbao` command: one module per command, put together here."""

import sys
import traceback
from collections.abc import Mapping
from importlib import import_module

import typer

from services.kernel.starting import importing

#: Command → module and what it holds there: a function, or the group of its subcommands. In the order of the help.
COMMANDS: Mapping[str, str] = {
    "check": "check_command:check",
    "merge": "merge_command:merge",
    "checklist": "checklist_command:checklist",
    "disc": "disc_commands:app",
    "titlecard": "titlecard_command:titlecard",
    "catalogue": "catalogue_commands:app",
    "serve": "serve_command:serve",
    "demo": "demo_command:demo",
    "audit": "audit_commands:app",
    "topics": "topics_commands:app",
    "migrate": "migrate_command:migrate",
    "dlq": "operating.dlq_commands:app",
    "jobs": "operating.jobs_commands:app",
    "lag": "operating.lag_command:lag",
    "backup": "backup_command:backup",
    "restore": "restore_command:restore_command",
}


def build(asked: str | None = None) -> typer.Typer:
    """The program; with a command's name only that one is loaded (loading all of them takes a second)."""
    program = typer.Typer(name="shenbao", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    program.callback()(_root)
    for name in [asked] if asked is not None and asked in COMMANDS else COMMANDS:
        module, _, attribute = COMMANDS[name].partition(":")
        found = getattr(import_module(f"services.cli.{module}"), attribute)
        if isinstance(found, typer.Typer):
            program.add_typer(found, name=name)
        else:
            program.command(name)(found)
    return program


def _root() -> None:
    """申报材料的检查、合并、光盘与平台 / check, merge and burn evidence; run the platform."""


def main() -> None:
    """Run; typer ends with the command's exit code, wrong usage with 2, Ctrl-C with 130; an error that nobody foresaw
    is a bug and ends with 3 (`cli.md`).
    """
    try:
        with importing():
            program = build(sys.argv[1] if len(sys.argv) > 1 else None)
        program()
    except Exception:  # noqa: BLE001 - the contract gives every bug the exit code 3
        traceback.print_exc()
        sys.exit(3)
