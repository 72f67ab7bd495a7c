"""The adapters of the `Storage` port that the suite runs over; another one joins by one line in `ADAPTERS`."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from services.kernel.clock import SystemClock
from services.kernel.ids import TimeOrderedIds
from services.kernel.storage.localdir import LocalDir
from services.kernel.storage.observed import ObservedStorage
from services.kernel.storage.port import (
    MIN_PART_BYTES,
    ObjectMissing,
    PartDamaged,
    PresignedRequest,
    PresignRefused,
    Storage,
    StoredPart,
)
from services.kernel.storage.presign import DIGEST_HEADER, FILES_PATH, PARTS_PATH, PresignKey, Signer
from services.kernel.storage.s3 import S3Store
from tests.object_server import ROOT, ObjectServer

BASE_URL = "http://store.test"


class SetClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.moment = datetime(2023, 6, 1, 8, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment


@dataclass(frozen=True, kw_only=True, slots=True)
class StorageUnderTest:
    """A fresh, empty store and what a stranger with a presigned request can do to it."""

    store: Storage
    #: Speaks HTTP to whatever answers presigned requests.
    http: httpx.AsyncClient
    #: Makes the store's clock pass this moment.
    pass_moment: Callable[[datetime], Awaitable[None]]
    #: Whether a key may begin another one's path ("a" beside "a/b"). The port wants it and S3 does it; the server of
    #: the tests keeps objects as files of these names and cannot.
    keys_nest: bool = True

    async def put_part(self, request: PresignedRequest, body: bytes) -> int:
        """The HTTP status of sending `body`."""
        headers = dict(request.headers)
        return (await self.http.request(request.method, request.url, headers=headers, content=body)).status_code

    async def get(self, request: PresignedRequest, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """The answer to a download."""
        return await self.http.request(
            request.method, request.url, headers={**dict(request.headers), **(headers or {})}
        )

    async def send(self, key: str, upload_id: str, number: int, body: bytes) -> StoredPart:
        """Sign and send a part, which must be accepted."""
        request = await self.sign(key, upload_id, number, body)
        status = await self.put_part(request, body)
        assert status == 200, status
        return next(part for part in await self.store.list_parts(key, upload_id) if part.number == number)

    async def sign(
        self, key: str, upload_id: str, number: int, body: bytes, *, expires_s: int = 900
    ) -> PresignedRequest:
        """A presigned PUT for exactly `body`."""
        sha256 = hashlib.sha256(body).hexdigest()
        return await self.store.presign_part(
            key, upload_id, number=number, size_bytes=len(body), sha256=sha256, expires_s=expires_s
        )


def gateway(store: LocalDir, signer: Signer) -> Starlette:
    """The smallest endpoint that does what the gateway's does."""

    async def put_part(request: Request) -> Response:
        length = request.headers.get("content-length")
        try:
            claim = signer.verify_part(
                method=request.method,
                key=request.path_params["key"],
                query=request.url.query,
                content_length=int(length) if length else None,
                digest=request.headers.get(DIGEST_HEADER),
            )
            part = await store.receive_part(claim, request.stream())
        except PresignRefused:
            return PlainTextResponse("refused", 403)
        except PartDamaged:
            return PlainTextResponse("damaged", 400)
        except ObjectMissing:
            return PlainTextResponse("ended", 404)
        return PlainTextResponse("", 200, headers={"etag": f'"{part.etag}"'})

    async def get_file(request: Request) -> Response:
        try:
            claim = signer.verify_file(method=request.method, key=request.path_params["key"], query=request.url.query)
            headers = request.headers
            served = await store.serve(claim, byte_range=headers.get("range"), if_range=headers.get("if-range"))
        except PresignRefused:
            return PlainTextResponse("refused", 403)
        except ObjectMissing:
            return PlainTextResponse("missing", 404)
        return StreamingResponse(served.body, served.status, headers=dict(served.headers))

    methods = ["GET", "PUT", "POST", "DELETE"]
    return Starlette(
        routes=[
            Route(PARTS_PATH + "{key:path}", put_part, methods=methods),
            Route(FILES_PATH + "{key:path}", get_file, methods=methods),
        ]
    )


class Laying(LocalDir):
    """Every upload promises the size of its parts, so that they are written to their places."""

    async def create_upload(self, key: str, *, part_bytes: int | None = None) -> str:
        return await super().create_upload(key, part_bytes=part_bytes or MIN_PART_BYTES)


@asynccontextmanager
async def laying(folder: Path) -> AsyncIterator[StorageUnderTest]:
    """As `localdir`, with the parts in their places."""
    async with localdir(folder, Laying) as under_test:
        yield under_test


@asynccontextmanager
async def observed(folder: Path) -> AsyncIterator[StorageUnderTest]:
    """As `localdir`, as services get it."""
    async with localdir(folder) as under_test:
        yield replace(under_test, store=ObservedStorage(under_test.store))


@asynccontextmanager
async def localdir(folder: Path, adapter: type[LocalDir] = LocalDir) -> AsyncIterator[StorageUnderTest]:
    """The local directory behind a small endpoint."""
    clock = SetClock()
    signer = Signer([PresignKey(key_id="test", secret="s" * 32)], clock)
    store = adapter(folder, signer, BASE_URL, clock, TimeOrderedIds())

    async def pass_moment(moment: datetime) -> None:
        clock.moment = max(clock.moment, moment) + timedelta(seconds=1)

    transport = httpx.ASGITransport(gateway(store, signer))
    try:
        async with httpx.AsyncClient(transport=transport, base_url=BASE_URL) as http:
            yield StorageUnderTest(store=store, http=http, pass_moment=pass_moment)
    finally:
        store.close()


@asynccontextmanager
async def s3(server: ObjectServer) -> AsyncIterator[StorageUnderTest]:
    """A bucket of a real server, whose clock nobody moves: what has to pass is waited for."""
    clock = SystemClock()
    store = S3Store(await asyncio.to_thread(server.fresh), ROOT, clock, TimeOrderedIds())

    async def pass_moment(moment: datetime) -> None:
        while clock.now() <= moment + timedelta(seconds=1):
            await asyncio.sleep(0.05)

    try:
        async with httpx.AsyncClient(trust_env=False) as http:
            yield StorageUnderTest(store=store, http=http, pass_moment=pass_moment, keys_nest=False)
    finally:
        store.close()


Opened = AbstractAsyncContextManager[StorageUnderTest]
ADAPTERS: Mapping[str, Callable[[pytest.FixtureRequest, Path], Opened]] = {
    "localdir": lambda _, folder: localdir(folder),
    "localdir, parts in place": lambda _, folder: laying(folder),
    "localdir, observed": lambda _, folder: observed(folder),
    "s3": lambda request, _: s3(request.getfixturevalue("object_server")),
}
