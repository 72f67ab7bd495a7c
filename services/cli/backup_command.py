"""`shenbao backup`: database and objects at one consistent point, while the platform runs."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from services.catalogue.wording import Lang
from services.cli.backup.manifest import Manifest, schemas_of
from services.cli.backup.places import source_of
from services.cli.backup.saying import refusing, steps
from services.cli.backup.taking import take
from services.cli.backup.verifying import verified
from services.cli.backup.writing import writer_for
from services.cli.options import JsonOption, LangOption, bar, refuse
from services.kernel.clock import SystemClock

_INCOMPLETE = 1
_SHOWN = 20
PathArgument = Annotated[Path, typer.Argument(metavar="DIR|FILE.tar", help="备份的位置 / a new folder, or a tar file")]
DataOption = Annotated[
    Path | None, typer.Option(help="平台的数据目录 / data folder; default: the environment's servers, else ./var")
]
SecretsFlag = Annotated[bool, typer.Option("--with-secrets", help="把密钥一并放入 / put the keys into it")]
VerifyFlag = Annotated[bool, typer.Option("--verify", help="只核对已有的备份 / only check an existing one")]


def backup(
    path: PathArgument,
    data: DataOption = None,
    lang: LangOption = "zh",
    *,
    with_secrets: SecretsFlag = False,
    verify: VerifyFlag = False,
    as_json: JsonOption = False,
) -> None:
    """备份数据库和文件 / back up database and objects: 0 whole, 1 the store lacks what rows name, 2 refused."""
    if verify and (data is not None or with_secrets):
        refuse("--verify 不能与其他选项同用 / --verify takes no other option")
    with refusing(lang):
        manifest = _check(path, lang, quiet=as_json) if verify else _take(path, data, lang, with_secrets=with_secrets)
    typer.echo(_json(path, manifest) if as_json else _text(path, manifest, lang))
    raise typer.Exit(_INCOMPLETE if manifest.missing else 0)


def _take(path: Path, data: Path | None, lang: Lang, *, with_secrets: bool) -> Manifest:
    with source_of(data) as source:
        writer = writer_for(path.absolute())
        try:
            now = SystemClock().now()
            return asyncio.run(take(source, writer, at=now, with_secrets=with_secrets, say=steps(lang)))
        finally:
            writer.discard()


def _check(path: Path, lang: Lang, *, quiet: bool) -> Manifest:
    with bar({"zh": "核对", "en": "checking"}[lang], quiet=quiet) as shown, verified(path, shown) as found:
        return found.manifest


def _json(path: Path, manifest: Manifest) -> str:
    told = {
        "path": str(path),
        "made_at": manifest.made_at,
        "schemas": dict(schemas_of(manifest.databases)),
        "rows": sum(sum(database.rows.values()) for database in manifest.databases),
        "objects": manifest.object_count,
        "object_bytes": manifest.object_bytes,
        "missing": list(manifest.missing),
        "secrets": manifest.secrets is not None,
    }
    return json.dumps(told, ensure_ascii=False)


def _text(path: Path, manifest: Manifest, lang: Lang) -> str:
    lines = [
        {"zh": f"备份完整：{path}（{manifest.made_at}）", "en": f"The backup is whole: {path} ({manifest.made_at})"}[
            lang
        ]
    ]
    if manifest.secrets is None:
        lines.append(
            {
                "zh": "密钥不在其中：恢复时需要本平台的 secrets.json（或生产环境的密钥设置），请另行妥善保管。",
                "en": "The keys are not part of it: a restore needs this platform's secrets.json (or its settings of "
                "keys). Keep them elsewhere.",
            }[lang]
        )
    if manifest.missing:
        count = len(manifest.missing)
        lines.append(
            {"zh": f"存储中缺少 {count} 个文件：", "en": f"{count} objects that rows name are not in the store:"}[lang]
        )
        lines += [f"  {key}" for key in manifest.missing[:_SHOWN]]
    return "\n".join(lines)
