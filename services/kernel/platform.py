"""What a service is composed of (ports) and what it is composed into (servicers, handlers, jobs)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from services.kernel.clock import Clock
from services.kernel.crypto import KeyRing
from services.kernel.db.engine import Database
from services.kernel.events import consumer
from services.kernel.events.port import EventLog
from services.kernel.grpc_server import Servicer
from services.kernel.ids import Ids
from services.kernel.jobs import worker
from services.kernel.jobs.queue import Queue
from services.kernel.ocr.port import TextReader
from services.kernel.sandbox.port import Sandbox
from services.kernel.storage.port import Storage
from services.kernel.tokens import Claims, Tokens


@dataclass(frozen=True, kw_only=True, slots=True)
class Platform:
    """The ports, connected, as `wiring.open_platform` hands them to a service's `compose`."""

    service: str
    database: Database
    events: EventLog
    storage: Storage
    sandbox: Sandbox
    reader: TextReader
    clock: Clock
    ids: Ids
    tokens: Tokens
    keys: KeyRing
    queue: Queue

    def own_token(self, audience: str, *, dossier_id: str, organisation_path: str = "", action: str = "read") -> str:
        """A token with which this service asks another on its own behalf."""
        return self.tokens.mint(
            Claims(
                actor=f"service:{self.service}",
                audience=audience,
                dossier_id=dossier_id,
                organisation_path=organisation_path,
                action=action,
            )
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Periodic:
    """Something done every `every_s` seconds by whichever replica leads."""

    name: str
    every_s: float
    run: Callable[[], Awaitable[None]]
    #: When it is done first after a start; None is `every_s`.
    first_after_s: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Composition:
    """A service, put together and not yet running."""

    servicers: Sequence[Servicer]
    #: Event type → handler: everything that this service does when it hears of something.
    handlers: Mapping[str, consumer.Handler] = field(default_factory=dict)
    #: Stage → handler: everything that its workers do.
    jobs: Mapping[str, worker.Handler] = field(default_factory=dict)
    #: Those of its stages that remove objects: they wait while a backup is made.
    removing: frozenset[str] = frozenset()
    #: Those that take minutes: a worker keeps a place for the others.
    slow: frozenset[str] = frozenset()
    periodic: Sequence[Periodic] = ()
    #: Closed after everything has stopped.
    closing: Sequence[Callable[[], Awaitable[None]]] = ()
