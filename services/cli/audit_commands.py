"""`shenbao audit`: proves the audit chains of a data folder, with no server running or beside one."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from services.catalogue import load
from services.cli.embedded.folder import DataFolder, Secrets
from services.cli.embedded.platform import at_hand, service_url
from services.kernel.clock import SystemClock
from services.kernel.crypto import KeyRing, keys_from_text
from services.kernel.db.embedded import PostgresFailed
from services.kernel.db.engine import Database
from services.kernel.ids import TimeOrderedIds
from services.review.domain.audit import Head
from services.review.repository.work import PostgresWork
from services.review.usecases.auditing import Verified, anchors_from, verify_chains

app = typer.Typer(no_args_is_help=True, help="审计链 / the audit chains.")
_BROKEN, _USAGE = 1, 2


@app.callback()
def _group() -> None:
    """A group, although it has one command today."""


@app.command()
def verify(
    data: Annotated[Path, typer.Option(help="Data folder of the platform.")] = Path("./var"),
    anchor: Annotated[Path | None, typer.Option(help="An anchor file, kept elsewhere.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,  # noqa: FBT002
) -> None:
    """Check every chain: 0 when all are whole, 1 with each break and its place otherwise."""
    folder = DataFolder(data.absolute())
    if not (folder.root / "secrets.json").exists():
        typer.echo(f"{folder.root}: 不是申报平台的数据目录 / no data folder of a platform; give --data", err=True)
        raise typer.Exit(_USAGE)
    heads = _anchors(anchor)
    drawn = folder.secrets()
    try:
        with at_hand(folder, drawn) as postgres:
            found = asyncio.run(_verify(drawn, service_url(drawn, postgres, "review"), heads))
    except PostgresFailed as error:
        typer.echo(f"audit: {error}", err=True)
        raise typer.Exit(3) from error
    _tell(found, as_json=as_json)
    raise typer.Exit(_BROKEN if found.breaks else 0)


def _anchors(path: Path | None) -> tuple[Head, ...]:
    if path is None:
        return ()
    try:
        return anchors_from(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        typer.echo(f"{path}: 不是锚点文件 / no anchor file ({type(error).__name__})", err=True)
        raise typer.Exit(_USAGE) from error


async def _verify(drawn: Secrets, url: str, heads: tuple[Head, ...]) -> Verified:
    database = Database(url, schema="review", pool_size=1)
    keys = KeyRing(keys_from_text([("a", drawn.encryption)]), drawn.lookup.encode())
    audit_key = drawn.audit.encode()
    try:
        work = PostgresWork(database, keys, audit_key, SystemClock(), TimeOrderedIds())
        return await verify_chains(work, audit_key, heads)
    finally:
        await database.close()


def _tell(found: Verified, *, as_json: bool) -> None:
    breaks = [{"dossier": b.dossier_id, "sequence": b.sequence, "kind": b.kind} for b in found.breaks]
    if as_json:
        told = {"catalogue": load.default().version, "entries": found.entries, "verified": not breaks, "breaks": breaks}
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    for broken in breaks:
        typer.echo(f"✗ {broken['dossier']}  #{broken['sequence']}  {broken['kind']}")
    typer.echo(f"{found.entries} 条 / entries, {'✓ 完整 / whole' if not breaks else f'✗ {len(breaks)} 处 / breaks'}")
