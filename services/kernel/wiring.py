"""The only module that names concrete adapters: a URL decides which one a port gets."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from services.kernel.clock import Clock, SystemClock
from services.kernel.config import ServiceSettings, split_keys
from services.kernel.crypto import KeyRing, keys_from_text
from services.kernel.db.engine import Database
from services.kernel.errors import AppError, Kind
from services.kernel.events.embedded import EmbeddedLog
from services.kernel.events.kafka import KafkaLog
from services.kernel.events.kafka_connection import Security, cluster_of
from services.kernel.events.port import EventLog
from services.kernel.ids import Ids, TimeOrderedIds
from services.kernel.jobs.queue import Queue
from services.kernel.platform import Platform
from services.kernel.sandbox.sandbox import ForkingSandbox
from services.kernel.storage.localdir import LocalDir
from services.kernel.storage.presign import PresignKey, Signer
from services.kernel.tokens import Tokens


def open_event_log(settings: ServiceSettings) -> EventLog:
    """The adapter for `SHENBAO_EVENTS`. Raises `AppError` settings.unknown-scheme, settings.kafka-*."""
    url = settings.events
    scheme = urlsplit(url).scheme
    if scheme == "embedded+postgresql":
        return EmbeddedLog(url.replace("embedded+postgresql://", "postgresql+asyncpg://", 1))
    if scheme == "kafka":
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


def open_storage(settings: ServiceSettings, clock: Clock, ids: Ids) -> LocalDir:
    """The adapter for `SHENBAO_OBJECTS`. Raises `AppError` settings.unknown-scheme."""
    parts = urlsplit(settings.objects)
    if parts.scheme == "file":
        return LocalDir(Path(unquote(parts.path)), open_signer(settings, clock), settings.public_url, clock, ids)
    raise AppError("settings.unknown-scheme", Kind.INVALID, setting="SHENBAO_OBJECTS", scheme=parts.scheme)


def open_keys(settings: ServiceSettings) -> KeyRing:
    """The ring of the encrypted columns."""
    return KeyRing(keys_from_text(split_keys(settings.encryption_keys)), settings.lookup_key.encode())


@asynccontextmanager
async def open_platform(service: str, settings: ServiceSettings) -> AsyncIterator[Platform]:
    """Every port of a service, closed again in reverse order. Nothing is asked of a server yet."""
    clock, ids = SystemClock(), TimeOrderedIds()
    async with AsyncExitStack() as stack:
        database = Database(settings.database, schema=service, pool_size=settings.pool_size)
        stack.push_async_callback(database.close)
        events = open_event_log(settings)
        stack.push_async_callback(events.close)
        storage = open_storage(settings, clock, ids)
        stack.callback(storage.close)
        sandbox = ForkingSandbox(preload=settings.sandbox_preload)
        stack.push_async_callback(sandbox.close)
        yield Platform(
            service=service,
            database=database,
            events=events,
            storage=storage,
            sandbox=sandbox,
            clock=clock,
            ids=ids,
            tokens=Tokens(settings.token_ring(), clock),
            keys=open_keys(settings),
            queue=Queue(database, clock, ids),
        )
