"""The only module that names concrete adapters: a URL decides which one a port gets.

Those of servers that no URL names are not imported: their libraries take a tenth of a service's start.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from services.kernel.clock import Clock, SystemClock
from services.kernel.config import ServiceSettings, split_keys
from services.kernel.crypto import KeyRing, keys_from_text
from services.kernel.db.engine import Database
from services.kernel.errors import AppError, Kind
from services.kernel.events.embedded import EmbeddedLog
from services.kernel.events.port import EventLog
from services.kernel.ids import Ids, TimeOrderedIds
from services.kernel.jobs.queue import Queue
from services.kernel.ocr import reader as ocr
from services.kernel.platform import Platform
from services.kernel.sandbox.apart import Apart
from services.kernel.sandbox.observed import ObservedSandbox
from services.kernel.sandbox.sandbox import ForkingSandbox
from services.kernel.storage.localdir import LocalDir
from services.kernel.storage.observed import ObservedStorage
from services.kernel.storage.presign import PresignKey, Signer
from services.kernel.tokens import Tokens

if TYPE_CHECKING:
    from services.kernel.storage.s3 import S3Store
    from services.kernel.storage.s3.client import Credentials

#: A store that does not answer is waited for so long, as the database is.
STORE_DEADLINE_S = 60.0


def open_event_log(settings: ServiceSettings) -> EventLog:
    """The adapter for `SHENBAO_EVENTS`. Raises `AppError` settings.unknown-scheme, settings.kafka-*."""
    url = settings.events
    scheme = urlsplit(url).scheme
    if scheme == "embedded+postgresql":
        return EmbeddedLog(url.replace("embedded+postgresql://", "postgresql+asyncpg://", 1))
    if scheme == "kafka":
        from services.kernel.events.kafka.connection import Security, cluster_of
        from services.kernel.events.kafka.log import KafkaLog

        security = Security(
            protocol=settings.kafka_security,
            mechanism=settings.kafka_mechanism,
            user=settings.kafka_user,
            password=settings.kafka_password,
            ca_file=settings.kafka_ca_file,
            certificate_file=settings.kafka_certificate_file,
            key_file=settings.kafka_key_file,
        )
        return KafkaLog(cluster_of(url, security))
    raise AppError("settings.unknown-scheme", Kind.INVALID, setting="SHENBAO_EVENTS", scheme=scheme)


def open_signer(settings: ServiceSettings, clock: Clock) -> Signer:
    """Signs and verifies the presigned URLs of a store that has no HTTP of its own."""
    keys = [PresignKey(key_id=key_id, secret=secret) for key_id, secret in split_keys(settings.presign_keys)]
    return Signer(keys, clock)


def open_storage(settings: ServiceSettings, clock: Clock, ids: Ids) -> "LocalDir | S3Store":
    """The adapter for `SHENBAO_OBJECTS`. Raises `AppError` settings.unknown-scheme, settings.bad-objects-url."""
    parts = urlsplit(settings.objects)
    if parts.scheme == "file":
        return LocalDir(Path(unquote(parts.path)), open_signer(settings, clock), settings.public_url, clock, ids)
    if parts.scheme == "s3":
        from services.kernel.storage.s3 import S3Store
        from services.kernel.storage.s3.address import parse

        return S3Store(parse(settings.objects), _account(settings), clock, ids)
    raise AppError("settings.unknown-scheme", Kind.INVALID, setting="SHENBAO_OBJECTS", scheme=parts.scheme)


def open_endpoint(settings: ServiceSettings, clock: Clock, ids: Ids) -> LocalDir | None:
    """What answers presigned requests, for the gateway; None where the store does so itself. Raises as above."""
    if objects_origin(settings) is not None:
        return None
    opened = open_storage(settings, clock, ids)
    return opened if isinstance(opened, LocalDir) else None


def objects_origin(settings: ServiceSettings) -> str | None:
    """The origin that presigned URLs lead to, where it is not the gateway's own. Raises as above."""
    if urlsplit(settings.objects).scheme != "s3":
        return None
    from services.kernel.storage.s3.address import parse

    return parse(settings.objects).public_origin


def make_bucket(settings: ServiceSettings) -> None:
    """Make the bucket of `SHENBAO_OBJECTS` for pages at `SHENBAO_PUBLIC_URL`: for development and tests. Blocking.

    The account needs rights that no service has. Raises as above, and `StoreUnavailable`.
    """
    from services.kernel.storage.s3 import buckets
    from services.kernel.storage.s3.address import parse
    from services.kernel.storage.s3.client import account, connect

    address = parse(settings.objects)
    with closing(connect(account(_account(settings)), address, connections=1)) as client:
        page = urlsplit(settings.public_url)
        buckets.make_bucket(client, address.bucket, origin=f"{page.scheme}://{page.netloc}")


def _account(settings: ServiceSettings) -> "Credentials | None":
    if not settings.objects_access_key:
        return None
    from services.kernel.storage.s3.client import Credentials

    return Credentials(access_key=settings.objects_access_key, secret_key=settings.objects_secret_key)


def open_keys(settings: ServiceSettings) -> KeyRing:
    """The ring of the encrypted columns."""
    return KeyRing(keys_from_text(split_keys(settings.encryption_keys)), settings.lookup_key.encode())


def open_database(service: str, settings: ServiceSettings) -> Database:
    """The pool of a service's own schema."""
    return Database(
        settings.database,
        schema=service,
        pool_size=settings.pool_size,
        overflow=settings.pool_overflow,
        timeout_s=settings.pool_timeout_s,
    )


@asynccontextmanager
async def open_platform(service: str, settings: ServiceSettings) -> AsyncIterator[Platform]:
    """Every port of a service, closed again in reverse order. No server is asked yet, but an object store of its own.

    Raises `AppError` settings.*, storage.*.
    """
    clock, ids = SystemClock(), TimeOrderedIds()
    async with AsyncExitStack() as stack:
        database = open_database(service, settings)
        stack.push_async_callback(database.close)
        events = open_event_log(settings)
        stack.push_async_callback(events.close)
        storage = open_storage(settings, clock, ids)
        stack.callback(storage.close)
        if not isinstance(storage, LocalDir):
            from services.kernel.storage.s3 import starting

            await starting.check(storage, deadline_s=STORE_DEADLINE_S)
        short = ForkingSandbox(settings.sandbox_apart, short=True)
        other = ForkingSandbox(settings.sandbox_preload)
        sandbox = Apart(settings.sandbox_apart, short, other) if settings.sandbox_apart else other
        stack.push_async_callback(sandbox.close)
        reading = ForkingSandbox(
            ocr.PRELOAD, nice=settings.ocr_nice
        )  # started when something is first read, and not before
        stack.push_async_callback(reading.close)
        yield Platform(
            service=service,
            database=database,
            events=events,
            storage=ObservedStorage(storage),
            sandbox=ObservedSandbox(sandbox),
            reader=ocr.SandboxedReader(ObservedSandbox(reading), at_once=settings.ocr_at_once),
            clock=clock,
            ids=ids,
            tokens=Tokens(settings.token_ring(), clock),
            keys=open_keys(settings),
            queue=Queue(database, clock, ids, timedelta(seconds=settings.job_lease_s)),
        )
