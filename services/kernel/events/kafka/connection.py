"""How a Kafka cluster is reached: the URL says where, the settings who we are; neither stands in a log.

`kafka://host:port,host:port?prefix=…&replication=…&session_timeout_s=…`. A prefix goes before every topic and group, so
that several platforms can share a cluster.
"""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from services.kernel.errors import AppError, Kind
from services.kernel.events.port import EventLogUnavailable

#: How long one question to a broker may take. The rebalance timeout stays below it.
REQUEST_TIMEOUT_MS = 40_000
REBALANCE_TIMEOUT_MS = 30_000
#: Far longer than a round of handlers; one that waits in place keeps polling (`KafkaMember.stay`).
MAX_POLL_INTERVAL_MS = 300_000
SESSION_TIMEOUT_S = 30
#: Between two tries at a broker that is away.
RETRY_BACKOFF_MS = 250
PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
_PARAMETERS = frozenset({"prefix", "replication", "session_timeout_s"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Security:
    """Who we are to the cluster, and how we know that it is the right one."""

    protocol: str = "PLAINTEXT"
    mechanism: str = "SCRAM-SHA-512"
    user: str = ""
    password: str = field(default="", repr=False)
    #: PEM files: authorities to trust (the system's when empty), and our own certificate for mutual TLS.
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""

    def arguments(self) -> Mapping[str, Any]:
        """What aiokafka's clients are told. Raises `AppError` settings.kafka-security."""
        if self.protocol not in PROTOCOLS:
            raise _wrong("SHENBAO_KAFKA_SECURITY", self.protocol, PROTOCOLS)
        told: dict[str, Any] = {"security_protocol": self.protocol}
        if self.protocol.startswith("SASL"):
            if self.mechanism not in MECHANISMS:
                raise _wrong("SHENBAO_KAFKA_MECHANISM", self.mechanism, MECHANISMS)
            if not (self.user and self.password):
                raise _wrong("SHENBAO_KAFKA_USER, SHENBAO_KAFKA_PASSWORD", "", ("both, for " + self.protocol,))
            told |= {"sasl_mechanism": self.mechanism}
            told |= {"sasl_plain_username": self.user, "sasl_plain_password": self.password}
        if self.protocol.endswith("SSL"):
            told["ssl_context"] = self._context()
        return told

    def _context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ca_file or None)
            if self.certificate_file:
                context.load_cert_chain(self.certificate_file, self.key_file or None)
        except (OSError, ssl.SSLError) as error:
            what = "SHENBAO_KAFKA_CA_FILE, SHENBAO_KAFKA_CERTIFICATE_FILE, SHENBAO_KAFKA_KEY_FILE"
            raise _wrong(what, type(error).__name__, ("readable PEM files that belong together",)) from error
        return context


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """Where the brokers are, and what is ours on them."""

    servers: tuple[str, ...]
    prefix: str = ""
    #: Copies of each partition that `apply_topics` asks for; 0 for three, or as many as there are brokers.
    replication: int = 0
    session_timeout_s: int = SESSION_TIMEOUT_S
    security: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def heartbeat_ms(self) -> int:
        """A member says three times within its session that it lives, or more often."""
        return min(3_000, self.session_timeout_s * 1000 // 3)

    @property
    def client(self) -> Mapping[str, Any]:
        """What every client is told."""
        common = {"request_timeout_ms": REQUEST_TIMEOUT_MS, "retry_backoff_ms": RETRY_BACKOFF_MS}
        return {"bootstrap_servers": list(self.servers), **common, **self.security}

    def theirs(self, name: str) -> str:
        """The cluster's name of a topic or group."""
        return self.prefix + name

    def ours(self, name: str) -> str | None:
        """Our name of a topic or group of the cluster; None for one of somebody else."""
        return name.removeprefix(self.prefix) if name.startswith(self.prefix) else None


def cluster_of(url: str, security: Security) -> Cluster:
    """What a `kafka://` URL says. Raises `AppError` settings.kafka-url, settings.kafka-security."""
    parts = urlsplit(url)
    told = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise _bad_url("a user or a password in it; they go into SHENBAO_KAFKA_USER and SHENBAO_KAFKA_PASSWORD")
    if unknown := sorted(set(told) - _PARAMETERS):
        raise _bad_url(f"{', '.join(unknown)}; allowed are {', '.join(sorted(_PARAMETERS))}")
    servers = tuple(server for server in parts.netloc.split(",") if server)
    if not servers or not all(_is_address(server) for server in servers) or parts.path.strip("/"):
        raise _bad_url("no list of host:port, separated by commas")
    try:
        replication, session = int(told.get("replication", 0)), int(told.get("session_timeout_s", SESSION_TIMEOUT_S))
    except ValueError as error:
        raise _bad_url("replication or session_timeout_s that is no whole number") from error
    return Cluster(
        servers=servers,
        prefix=told.get("prefix", ""),
        replication=replication,
        session_timeout_s=session,
        security=security.arguments(),
    )


@contextmanager
def outages_translated(topic: str = "") -> Iterator[None]:
    """Raise `EventLogUnavailable` for whatever the cluster could not do: with Kafka waiting always may help, because an
    operator can mend the cluster, its topics and its permissions while we wait.
    """
    try:
        yield
    except (KafkaError, OSError) as error:
        if isinstance(error, UnknownTopicOrPartitionError):
            raise EventLogUnavailable(f"no topic {topic}; run `shenbao topics apply`") from error
        raise EventLogUnavailable(type(error).__name__) from error


def _is_address(server: str) -> bool:
    host, colon, port = server.rpartition(":")
    return bool(host and colon and port.isdecimal() and 0 < int(port) < 65536)


def _bad_url(found: str) -> AppError:
    return AppError("settings.kafka-url", Kind.INVALID, setting="SHENBAO_EVENTS", found=found)


def _wrong(setting: str, found: str, allowed: tuple[str, ...]) -> AppError:
    return AppError(
        "settings.kafka-security", Kind.INVALID, setting=setting, found=found or "nothing", allowed=", ".join(allowed)
    )
