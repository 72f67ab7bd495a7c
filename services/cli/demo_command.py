"""`shenbao demo`: proves the whole platform on this machine, or at a given address."""

import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer

from services.cli.demo.client import Data, DemoFailed
from services.cli.demo.journey import Say, journey
from services.cli.embedded.folder import DataFolder, FolderInUse
from services.cli.embedded.platform import Address, StartFailed, free_ports, running
from services.kernel import telemetry
from services.kernel.db.embedded import PostgresFailed
from services.kernel.supervisor import ProgramBroke


def demo(
    data: Annotated[Path | None, typer.Option(help="Data folder; a new one unless given.")] = None,
    url: Annotated[str, typer.Option(help="Use the platform that runs there.")] = "",
    accounts: Annotated[Path | None, typer.Option(help="Its accounts.json.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,  # noqa: FBT002
) -> None:
    """Carry a generated dossier through every service and level; 0 only if all of it is true."""
    telemetry.configure(service="demo", level="warning")
    if bool(url) != bool(accounts):
        typer.echo("--url and --accounts go together", err=True)
        raise typer.Exit(2)
    folder = Path(tempfile.mkdtemp(prefix="shenbao-demo-"))

    def say(text: str) -> None:
        typer.echo(text, err=as_json)

    try:
        if url and accounts is not None:
            result = journey(url.rstrip("/"), _passwords(accounts), folder, say)
            result["seconds"]["start"] = 0.0
        else:
            own = DataFolder((data or folder / "data").absolute())
            result = asyncio.run(_own(own, folder, say))
    except (DemoFailed, FolderInUse, PostgresFailed, StartFailed, ProgramBroke, OSError) as error:
        typer.echo(f"demo: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(json.dumps(result, ensure_ascii=False, indent=1) if as_json else _told(result))


def _passwords(path: Path) -> dict[str, str]:
    try:
        known = json.loads(path.read_text("utf-8"))["accounts"]
        return {account["login"]: account["password"] for account in known}
    except (OSError, ValueError, KeyError, TypeError) as error:
        typer.echo(f"{path}: no accounts.json of a platform ({type(error).__name__})", err=True)
        raise typer.Exit(2) from error


async def _own(data: DataFolder, folder: Path, say: Say) -> Data:
    began = time.monotonic()
    [port] = free_ports(1)
    async with running(data, Address(port=port)) as platform:
        started = time.monotonic() - began
        say(f"平台已启动 / platform ready after {started:.1f} s at {platform.address.url}")
        passwords = {account.login: account.password for account in platform.seed.accounts}
        result = await asyncio.to_thread(journey, platform.address.url, passwords, folder, say)
    result["seconds"] = {"start": round(started, 2), **result["seconds"]}
    return result


def _told(result: Data) -> str:
    """The outcome for people."""
    merged, disc = result["merged_pdf"], result["disc_image"]
    lines = [
        f"档案 / dossier     {result['dossier']}",
        f"材料 / materials   {len(result['materials'])}，全部通过 / all accepted",
        f"合并 / merged      {merged['pages']} 页 / pages, {len(merged['bookmarks'])} 书签 / bookmarks",
        f"                   {merged['path']}",
        f"光盘 / disc        {disc['path']}",
        *(f"签署 / {level['level']:<10} {level['decision']:<10} {level['by']}" for level in result["levels"]),
        f"审计 / audit       {result['audit']['entries']} 条 / entries, 已验证 / verified",
        f"用时 / seconds     {result['seconds']}",
    ]
    return "\n".join(lines)
