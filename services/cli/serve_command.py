"""`shenbao serve`: the whole platform on this machine until Ctrl-C."""

import asyncio
import contextlib
import signal
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from services.cli.embedded.folder import DataFolder, FolderInUse
from services.cli.embedded.platform import Address, Running, StartFailed, running
from services.kernel import lifeline, telemetry
from services.kernel.db.embedded import PostgresFailed
from services.kernel.supervisor import ProgramBroke


def serve(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where to listen.")] = 8080,
    data: Annotated[Path, typer.Option(help="Folder of everything that is kept.")] = Path("./var"),
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    public_url: Annotated[str, typer.Option(help="What people type, when it is not that address.")] = "",
    insecure: Annotated[bool, typer.Option("--insecure", help="Allow other machines without https.")] = False,  # noqa: FBT002
) -> None:
    """Start the platform, print its address and accounts, and keep serving."""
    lifeline.follow_parent()
    telemetry.configure(service="serve", level="warning")
    address = Address(host=host, port=port, public_url=public_url, insecure=insecure)
    if not insecure and not _may_listen(address):
        typer.echo(f"{host} is reachable from other machines: give --public-url https://… or say --insecure", err=True)
        raise typer.Exit(2)
    try:
        asyncio.run(_serve(DataFolder(data.absolute()), address))
    except (FolderInUse, PostgresFailed, StartFailed, ProgramBroke, OSError) as error:
        typer.echo(f"serve: {error}", err=True)
        raise typer.Exit(2 if isinstance(error, FolderInUse) else 3) from error


def _may_listen(address: Address) -> bool:
    try:
        loopback = address.host == "localhost" or ip_address(address.host).is_loopback
    except ValueError:
        loopback = False
    return loopback or urlsplit(address.public_url).scheme == "https"


async def _serve(folder: DataFolder, address: Address) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    started = asyncio.Event()
    serving = asyncio.create_task(_until(folder, address, started, stop))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not started.is_set():
        serving.cancel()  # stopped while still starting: what runs already is ended all the same
    with contextlib.suppress(asyncio.CancelledError):
        await serving


async def _until(folder: DataFolder, address: Address, started: asyncio.Event, stop: asyncio.Event) -> None:
    async with running(folder, address) as platform:
        started.set()
        _greet(folder, platform)
        await platform.supervisor.watch(stop)
        typer.echo("正在停止 / stopping …", err=True)


def _greet(folder: DataFolder, platform: Running) -> None:
    typer.echo(f"申报 · Shenbao  {platform.address.url}")
    typer.echo(f"数据 / data      {folder.root}")
    typer.echo(f"账号 / accounts  {folder.accounts}")
    for account in platform.seed.accounts:
        typer.echo(f"  {account.login:<20} {account.password:<16} {account.role:<10} {account.organisation_id}")
    sys.stdout.flush()
