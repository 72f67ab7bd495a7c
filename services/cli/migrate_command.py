"""`shenbao migrate`: brings the databases of real servers to this version, as their owner."""

import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer
from sqlalchemy.exc import DBAPIError

from services.catalogue.wording import Lang
from services.cli.databases import OwnedDatabase, on_database, owned_databases, passwords
from services.cli.options import JsonOption, LangOption, fail, refuse
from services.kernel.db.migrate import found_revisions, head, revisions
from services.kernel.db.migrate import migrate as run_migrations
from services.kernel.db.owner import check_owner, check_url, connected, place_of
from services.kernel.db.roles import SCHEMAS, bootstrap
from services.kernel.errors import AppError, Kind

_BEHIND = 1
CheckOption = Annotated[bool, typer.Option("--check", help="只查看，落后时退出码为 1 / only look; exit 1 when behind")]
BootstrapOption = Annotated[
    str,
    typer.Option("--bootstrap", metavar="SUPERUSER_URL", help="先建账号、数据库和模式 / make roles, database, schemas"),
]
SchemaOption = Annotated[str, typer.Option("--schema", help="只处理一个模式 / one schema: " + ", ".join(SCHEMAS))]
ToOption = Annotated[str, typer.Option("--to", metavar="REVISION", help="目标版本，可回退 / up or down to it; `base`")]


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Where a schema is, and where this version needs it; `found` is empty before the first migration."""

    schema: str
    found: str
    expected: str

    @property
    def state(self) -> str:
        """One of "current", "behind", "unknown" for a revision of another (newer) version."""
        if self.found == self.expected:
            return "current"
        return "behind" if self.found in ("", *revisions(self.schema)) else "unknown"


def migrate(
    bootstrap_url: BootstrapOption = "",
    schema: SchemaOption = "",
    to: ToOption = "",
    lang: LangOption = "zh",
    *,
    check: CheckOption = False,
    as_json: JsonOption = False,
) -> None:
    """升级数据库 / run the migrations on SHENBAO_DATABASE (the owner's URL): 0 done, 1 behind (--check), 2 refused."""
    if schema and schema not in SCHEMAS:
        refuse(f"--schema: {schema}; " + ", ".join(SCHEMAS))
    if to and not schema:
        refuse("--to 需要 --schema / --to needs --schema")
    if check and (to or bootstrap_url):
        refuse("--check 不能与 --to、--bootstrap 同用 / --check only looks: no --to, no --bootstrap")
    try:
        databases = owned_databases(os.environ, schema)
        standings = asyncio.run(_run(databases, bootstrap_url, to, check=check))
    except AppError as error:
        fail(error, lang)
    _tell(standings, lang, as_json=as_json)
    behind = not to and any(each.state != "current" for each in standings)
    raise typer.Exit(_BEHIND if behind else 0)


async def _run(databases: Sequence[OwnedDatabase], bootstrap_url: str, to: str, *, check: bool) -> Sequence[Standing]:
    for database in databases:
        if bootstrap_url:
            await make(database, check_url("--bootstrap", bootstrap_url))
        if check:
            continue
        await upgrade(database, to or "head")
    return [standing for database in databases for standing in await _standings(database)]


async def upgrade(database: OwnedDatabase, target: str = "head") -> None:
    """Run the migrations. Raises `AppError` database.*."""
    await check_owner(database.url, database.schemas)
    try:
        await run_migrations(database.url, database.schemas, target=target)
    except DBAPIError as error:
        raise _refused(database, error) from error


async def make(database: OwnedDatabase, superuser_url: str) -> None:
    """Roles, database, schemas and grants. Raises `AppError` settings.*, database.*."""
    drawn = passwords(os.environ, database)
    try:
        async with connected(superuser_url):
            pass
        target = on_database(superuser_url, database.name)
        await bootstrap(superuser_url, target, database.name, drawn, database.schemas)
    except DBAPIError as error:
        raise _refused(database, error) from error


def _refused(database: OwnedDatabase, error: DBAPIError) -> AppError:
    said = str(error.orig).partition("\n")[0][:300]
    return AppError("database.migration-failed", Kind.PRECONDITION, place=place_of(database.url), said=said)


async def _standings(database: OwnedDatabase) -> Sequence[Standing]:
    async with connected(database.url) as connection:
        found = await found_revisions(connection, database.schemas)
    return [Standing(schema=schema, found=found[schema], expected=head(schema)) for schema in database.schemas]


def _tell(standings: Sequence[Standing], lang: Lang, *, as_json: bool) -> None:
    if as_json:
        told = [
            {"schema": s.schema, "found": s.found or None, "expected": s.expected, "state": s.state} for s in standings
        ]
        current = all(s.state == "current" for s in standings)
        typer.echo(json.dumps({"current": current, "schemas": told}, ensure_ascii=False))
        return
    words = {
        "current": {"zh": "已是最新", "en": "current"},
        "behind": {"zh": "落后", "en": "behind"},
        "unknown": {"zh": "属于其他版本", "en": "of another version"},
    }
    for each in standings:
        typer.echo(f"{each.schema:<10} {each.found or '–':<20} → {each.expected:<20} {words[each.state][lang]}")
