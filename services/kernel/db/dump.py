"""`pg_dump` and `pg_restore`: the rows of a database at one snapshot, into a file and back.

Both run as the owner, who is subject to row-level security like everybody; the session's scope is the whole tree, so
every row is visible. Schemas, roles and what they may do by default are not part of it: `roles.bootstrap` makes those.
"""

import asyncio
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy.engine import make_url

from services.kernel.db.embedded import PostgresFailed, binary
from services.kernel.errors import AppError, Kind

#: The session's settings under which the owner sees every row.
SEE_EVERYTHING = {"shenbao.scope": "/"}
_LOCK_WAIT = "60s"
_MADE_BEFORE = re.compile(r"^\d+; \d+ \d+ (SCHEMA|DEFAULT ACL|ACL - SCHEMA|COMMENT - SCHEMA) ")
_SAID_CHARACTERS = 400


def _program(name: str) -> str:
    """The one of the wheel, else the one that is installed. Raises `AppError` backup.no-program."""
    try:
        own = binary(name)
    except PostgresFailed:
        own = Path(name)
    found = shutil.which(own) or shutil.which(name)
    if found is None:
        raise AppError("backup.no-program", Kind.PRECONDITION, program=name)
    return found


def _environment(url: str) -> dict[str, str]:
    """Where to connect, never on the command line: that is seen by everybody on the machine."""
    parts = make_url(url)
    query = {name: str(value) for name, value in parts.query.items()}
    options = " ".join(f"-c {name}={value}" for name, value in SEE_EVERYTHING.items())
    known = {
        "PGHOST": parts.host or query.get("host", ""),
        "PGPORT": str(parts.port or query.get("port", "")),
        "PGUSER": parts.username or "",
        "PGPASSWORD": str(parts.password or ""),
        "PGDATABASE": parts.database or "",
        "PGSSLMODE": query.get("ssl", "") if query.get("ssl", "") not in ("True", "true") else "require",
    }
    shared = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "PGOPTIONS": options,
        "PGAPPNAME": "shenbao-dump",
    }
    return {**shared, **{name: value for name, value in known.items() if value}}


async def dump(url: str, schemas: Sequence[str], snapshot: str, target: Path) -> None:
    """Write the schemas as an exported snapshot shows them. Raises `AppError` backup.dump-failed, backup.no-program."""
    command = [
        _program("pg_dump"), "--format=custom", "--compress=gzip:1", f"--snapshot={snapshot}", "--enable-row-security",
        "--no-password", "--no-publications", "--no-subscriptions", f"--lock-wait-timeout={_LOCK_WAIT}",
        *(f"--schema={schema}" for schema in schemas), f"--file={target}",
    ]  # fmt: skip
    try:
        await _run(command, _environment(url))
    except _ProgramFailed as error:
        raise AppError("backup.dump-failed", Kind.PRECONDITION, program=error.program, said=error.said) from error


async def restore(url: str, source: Path, schemas: Sequence[str]) -> None:
    """Make the dump's tables of these schemas with their rows, all or nothing.

    The schemas are there and hold no tables. Raises `AppError` backup.restore-failed, backup.no-program.
    """
    try:
        await _restore(url, source, schemas)
    except _ProgramFailed as error:
        raise AppError("backup.restore-failed", Kind.PRECONDITION, program=error.program, said=error.said) from error


async def _restore(url: str, source: Path, schemas: Sequence[str]) -> None:
    program, environment = _program("pg_restore"), _environment(url)
    listed = await _run([program, "--list", str(source)], environment)
    wanted = source.with_suffix(".list")
    wanted.write_text("\n".join(line for line in listed.splitlines() if not _MADE_BEFORE.match(line)))
    try:
        command = [
            program, "--single-transaction", "--exit-on-error", "--no-owner", "--no-password", f"--use-list={wanted}",
            *(f"--schema={schema}" for schema in schemas), f"--dbname={environment['PGDATABASE']}", str(source),
        ]  # fmt: skip
        await _run(command, environment)
    finally:
        wanted.unlink()


class _ProgramFailed(Exception):
    def __init__(self, program: str, said: str) -> None:
        super().__init__(program)
        self.program = program
        self.said = said


async def _run(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """What it prints; it ends with us when we are cancelled. Raises `_ProgramFailed`."""
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        told, said = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        raise _ProgramFailed(Path(command[0]).name, said.decode(errors="replace").strip()[-_SAID_CHARACTERS:])
    return told.decode(errors="replace")
