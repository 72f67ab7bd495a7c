"""A film in a real S3 server, behind an endpoint that counts."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.video.counting import Counter, counting
from bench.video.film import film
from services.cli.embedded.platform import free_ports
from services.kernel.clock import SystemClock
from services.kernel.ids import TimeOrderedIds
from services.kernel.storage.s3.adapter import S3Store
from services.kernel.storage.s3.address import parse
from services.kernel.storage.s3.buckets import make_bucket
from services.kernel.storage.s3.client import Credentials, account, connect
from services.kernel.stored_files import StoredSource
from tools.stack.bucket import ROOT
from tools.stack.objects import BUCKET, ObjectServer
from tools.stack.servers import cached

KEY = "evidence/film.mp4"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """The film where everybody finds it."""

    store: S3Store
    source: StoredSource
    address: str
    counter: Counter
    sha256: str
    etag: str


@asynccontextmanager
async def ground(folder: Path, seconds: int) -> AsyncIterator[Ground]:
    """The server with the film in it, and the endpoint before it."""
    path = film(folder, seconds)
    root = Credentials(access_key=ROOT, secret_key="for-this-run-only")
    port, between = free_ports(2)
    server = ObjectServer(program=cached("versitygw"), folder=folder / "s3", port=port, root=root)
    await asyncio.to_thread(server.start)
    try:
        with counting(between, port) as counter:
            address = parse(server.url(counter.url))
            with contextlib.closing(connect(account(root), address, connections=1)) as client:
                make_bucket(client, BUCKET, origin=counter.url, versioned=False)
            with contextlib.closing(S3Store(address, root, SystemClock(), TimeOrderedIds())) as store:
                with path.open("rb") as content:
                    sha256 = hashlib.file_digest(content, "sha256").hexdigest()
                info = await store.put_file(KEY, str(path))
                path.unlink()
                asked = await store.presign_get(KEY, expires_s=3600, filename="film.mp4", media_type="video/mp4")
                source = StoredSource(store, KEY, info.size_bytes, info.etag)
                yield Ground(
                    store=store, source=source, address=asked.url, counter=counter, sha256=sha256, etag=info.etag
                )
    finally:
        await asyncio.to_thread(server.stop)
