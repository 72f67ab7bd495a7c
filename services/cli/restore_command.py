"""`shenbao restore`: a platform from a backup, on an empty machine."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from services.catalogue.wording import Lang
from services.cli.backup.keys import KeyMaterial
from services.cli.backup.places import named_by_environment, new_folder, servers
from services.cli.backup.restoring import check_version, keys_for, restore
from services.cli.backup.saying import refusing, steps
from services.cli.backup.taking import Say
from services.cli.backup.verifying import Backup, verified
from services.cli.options import JsonOption, LangOption, bar, refuse
from services.kernel.config import ServiceSettings
from services.kernel.errors import AppError, Kind
from services.review.usecases.auditing import Verified

_BROKEN = 1
PathArgument = Annotated[Path, typer.Argument(metavar="DIR|FILE.tar", help="备份 / the backup")]
DataOption = Annotated[
    Path | None, typer.Option(help="新的数据目录 / a new data folder; default: the environment's servers, else ./var")
]
SecretsOption = Annotated[
    Path | None,
    typer.Option("--secrets", help="密钥文件 / the keys: a data folder's secrets.json, when not in the backup"),
]
BootstrapOption = Annotated[
    str,
    typer.Option("--bootstrap", metavar="SUPERUSER_URL", help="先建账号、数据库和模式 / make roles, database, schemas"),
]
ResumeFlag = Annotated[
    bool, typer.Option("--resume", help="接着上次中断的恢复 / go on with one that was cut off (servers)")
]


def restore_command(
    path: PathArgument,
    data: DataOption = None,
    secrets: SecretsOption = None,
    bootstrap: BootstrapOption = "",
    lang: LangOption = "zh",
    *,
    resume: ResumeFlag = False,
    as_json: JsonOption = False,
) -> None:
    """从备份恢复到空的平台 / restore onto an empty platform: 0 whole, 1 an audit chain is broken, 2 refused."""
    to_servers = named_by_environment(data)
    if (bootstrap or resume) and not to_servers:
        refuse("--bootstrap、--resume 只用于服务器 / --bootstrap and --resume are for servers (SHENBAO_DATABASE)")
    with refusing(lang), _checked(path, lang, quiet=as_json) as backup:
        keys = keys_for(backup, _given(secrets, to_servers=to_servers))
        check_version(backup.manifest)
        if to_servers:
            done = asyncio.run(_to_servers(backup, keys, bootstrap, steps(lang), resume=resume))
        else:
            done = asyncio.run(_to_folder(backup, keys, data or Path("./var"), steps(lang)))
    _tell(backup, done, as_json=as_json)
    raise typer.Exit(_BROKEN if done.breaks else 0)


@contextmanager
def _checked(path: Path, lang: Lang, *, quiet: bool) -> Iterator[Backup]:
    """The backup, once all of it was read; nothing is made before."""
    with ExitStack() as stack:
        with bar({"zh": "核对", "en": "checking"}[lang], quiet=quiet) as shown:
            found = stack.enter_context(verified(path, shown))
        yield found


def _given(secrets: Path | None, *, to_servers: bool) -> KeyMaterial | None:
    """Keys that do not come from the backup; servers will read with those of their settings, so these must fit."""
    if secrets is not None:
        try:
            return KeyMaterial.parse(secrets.read_text("utf-8"))
        except UnicodeDecodeError as error:
            raise AppError("backup.bad-secrets", Kind.INVALID) from error
    return KeyMaterial.of(ServiceSettings()) if to_servers else None


async def _to_servers(backup: Backup, keys: KeyMaterial, bootstrap: str, say: Say, *, resume: bool) -> Verified:
    async with servers(bootstrap, resume=resume) as target:
        return await restore(backup, keys, target, say)


async def _to_folder(backup: Backup, keys: KeyMaterial, data: Path, say: Say) -> Verified:
    async with new_folder(data, backup, keys) as target:
        return await restore(backup, keys, target, say)


def _tell(backup: Backup, done: Verified, *, as_json: bool) -> None:
    breaks = [{"dossier": b.dossier_id, "sequence": b.sequence, "kind": b.kind} for b in done.breaks]
    if as_json:
        told = {
            "made_at": backup.manifest.made_at,
            "objects": backup.manifest.object_count,
            "missing": list(backup.manifest.missing),
            "audit": {"entries": done.entries, "verified": not breaks, "breaks": breaks},
        }
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    for broken in breaks:
        typer.echo(f"✗ {broken['dossier']}  #{broken['sequence']}  {broken['kind']}")
    typer.echo(f"已恢复 / restored  {backup.manifest.made_at}  {backup.manifest.object_count} 个文件 / objects")
