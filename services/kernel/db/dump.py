"""`pg_dump`, `pg_restore` and `psql`: the rows of a database at one snapshot, into a file and back.

Both run as the owner, who is subject to row-level security like everybody; the session's scope is the whole tree, so
every row is visible. Schemas, roles and what they may do by default are not part of it: `roles.bootstrap` makes those.
"""

import asyncio
import os
import re
import shutil
import subprocess
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from sqlalchemy.engine import make_url

from services.kernel.db.embedded import PostgresFailed, binary
from services.kernel.errors import AppError, Kind

#: The session's settings under which the owner sees every row.
SEE_EVERYTHING = {"shenbao.scope": "/"}
_LOCK_WAIT = "60s"
_MADE_BEFORE = re.compile(r"^\d+; \d+ \d+ (SCHEMA|DEFAULT ACL|ACL - SCHEMA|COMMENT - SCHEMA) ")
_SAID_CHARACTERS = 400
_CHUNK_BYTES = 2**16
#: A script begins with settings of the session, of which servers before 17 do not know this one.
_HEAD_LINES, _UNKNOWN_TO_OLDER = 40, b"SET transaction_timeout"
S = TypeVar("S", asyncio.StreamReader, asyncio.StreamWriter)


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
    environment = _environment(url)
    listed = await _run([_program("pg_restore"), "--list", str(source)], environment)
    wanted = source.with_suffix(".list")
    wanted.write_text("\n".join(line for line in listed.splitlines() if not _MADE_BEFORE.match(line)))
    try:
        script = [
            _program("pg_restore"), "--no-owner", f"--use-list={wanted}", "--file=-",
            *(f"--schema={schema}" for schema in schemas), str(source),
        ]  # fmt: skip
        psql = [
            _program("psql"), "--no-psqlrc", "--quiet", "--output=/dev/null", "--no-password", "--single-transaction",
            "--set=ON_ERROR_STOP=1", "--file=-",
        ]  # fmt: skip
        await _pipe(script, psql, environment)
    finally:
        wanted.unlink()


async def _pipe(script: Sequence[str], psql: Sequence[str], environment: Mapping[str, str]) -> None:
    """Let `psql` carry out the script as it is made. It commits at the end of its input, which it gets only once the
    script is known to be whole. Raises `_ProgramFailed`.
    """
    make = await _start(script, environment)
    try:
        carry_out = await _start(psql, environment, stdin=subprocess.PIPE)
        try:
            making = asyncio.create_task(_said(make))
            carrying = asyncio.create_task(_said(carry_out))
            await _pass_on(make, carry_out)
            await _check(make, script, making)
            await _end_input(carry_out)
            await _check(carry_out, psql, carrying)
        finally:
            await _end(carry_out)
    finally:
        await _end(make)


async def _pass_on(source: Process, target: Process) -> None:
    """Line by line at first, without what older servers do not know; then as it comes. Stops when the target ends."""
    out, into = _stream(source.stdout), _stream(target.stdin)
    with suppress(ConnectionError):
        for _ in range(_HEAD_LINES):
            line = await out.readline()
            if not line.startswith(_UNKNOWN_TO_OLDER):
                into.write(line)
        while chunk := await out.read(_CHUNK_BYTES):
            into.write(chunk)
            await into.drain()


async def _end_input(process: Process) -> None:
    into = _stream(process.stdin)
    with suppress(ConnectionError):
        await into.drain()
        into.close()
        await into.wait_closed()


def _stream(stream: S | None) -> S:
    """Of a process that was started with it."""
    if stream is None:
        raise TypeError("started without a pipe")
    return stream


class _ProgramFailed(Exception):
    def __init__(self, program: str, said: str) -> None:
        super().__init__(program)
        self.program = program
        self.said = said


async def _start(command: Sequence[str], environment: Mapping[str, str], stdin: int = subprocess.DEVNULL) -> Process:
    return await asyncio.create_subprocess_exec(
        *command, env=environment, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


async def _said(process: Process) -> str:
    """The end of what it says is wrong."""
    said = await _stream(process.stderr).read()
    return said.decode(errors="replace").strip()[-_SAID_CHARACTERS:]


async def _check(process: Process, command: Sequence[str], saying: "asyncio.Task[str]") -> None:
    """Wait for its end. Raises `_ProgramFailed`."""
    while await _stream(process.stdout).read(_CHUNK_BYTES):  # what nobody took, or it would wait for ever
        continue
    said = await saying
    if await process.wait() != 0:
        raise _ProgramFailed(Path(command[0]).name, said)


async def _end(process: Process) -> None:
    """It ends with us, also when we are cancelled."""
    if process.returncode is None:
        process.kill()
    await process.wait()


async def _run(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """What it prints. Raises `_ProgramFailed`."""
    process = await _start(command, environment)
    try:
        saying = asyncio.create_task(_said(process))
        told = await _stream(process.stdout).read()
        await _check(process, command, saying)
    finally:
        await _end(process)
    return told.decode(errors="replace")
