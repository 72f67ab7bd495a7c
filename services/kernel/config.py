"""Settings that every service shares, read from `SHENBAO_*` once, in `main`, and never at import.

Secrets have development values so that a test needs no set-up; outside local mode they are refused by name.
"""

import re
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from services.kernel.events.topics import RETENTION
from services.kernel.tokens import TokenKey

_MOST_PORT = 65_535
_OTLP = re.compile(r"https?://[A-Za-z0-9.\[\]:_-]+:\d{1,5}")
_DEVELOPMENT = "development-only-secret-development-only-secret"


def _words(value: object) -> object:
    """`a,b` in the environment is a tuple of two."""
    return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value


#: A list of words, separated by commas in the environment.
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)]


class ServiceSettings(BaseSettings):
    """What a service needs to run. Each service adds its own in `settings.py`."""

    model_config = SettingsConfigDict(env_prefix="SHENBAO_", extra="ignore", frozen=True, hide_input_in_errors=True)

    mode: Literal["local", "production"] = "local"
    #: This service's restricted role on its database; `SHENBAO_<SERVICE>_DATABASE` fills it.
    database: str = ""
    #: `embedded+postgresql://…` (the durable log in PostgreSQL) or `kafka://host:port,…`.
    events: str = ""
    #: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL; then PLAIN or SCRAM-SHA-256, SCRAM-SHA-512.
    kafka_security: str = "PLAINTEXT"
    kafka_mechanism: str = "SCRAM-SHA-512"
    kafka_user: str = ""
    kafka_password: str = ""
    #: PEM files: authorities (the system's when empty), own certificate and key for mutual TLS.
    kafka_ca_file: str = ""
    kafka_certificate_file: str = ""
    kafka_key_file: str = ""
    #: `file:///…/objects` or `s3://bucket?endpoint=…`.
    objects: str = ""
    #: This service's account at an S3 store; both empty to let boto3 look for one.
    objects_access_key: str = ""
    objects_secret_key: str = ""
    #: Where this service's gRPC server listens.
    listen: str = "127.0.0.1:0"
    upload_address: str = ""
    video_address: str = ""
    pdfcheck_address: str = ""
    review_address: str = ""
    #: What people type; presigned URLs and the Origin check are made from it.
    public_url: str = "http://127.0.0.1:8080"
    #: `id:secret,id:secret`; the first signs, all verify.
    token_keys: str = f"dev:{_DEVELOPMENT}"
    presign_keys: str = f"dev:{_DEVELOPMENT}"
    #: Key ring of the encrypted columns, `id:base64(32 bytes)`; the first seals, all open.
    encryption_keys: str = "dev:" + "ZGV2ZWxvcG1lbnQtb25seS1rZXktMzItYnl0ZXMhISE="
    #: Key of the keyed hashes by which an encrypted value is found.
    lookup_key: str = _DEVELOPMENT
    #: Key of the audit chain.
    audit_key: str = _DEVELOPMENT
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    pool_size: int = Field(default=4, ge=1, le=64)
    #: Connections beyond the pool's size while many are wanted at once; None is as many again.
    pool_overflow: int | None = Field(default=None, ge=0, le=64)
    #: How long a transaction waits for a connection before it fails.
    pool_timeout_s: float = Field(default=10, gt=0, le=300)
    #: How often the leader drops what is older than the ages below, and how many rows in one transaction at most.
    prune_every_s: float = Field(default=3600, gt=0)
    prune_batch: int = Field(default=1000, ge=1, le=100_000)
    #: How long the embedded log keeps what every group has read; a broker has its own retention.
    keep_log_days: int = Field(default=7, ge=1)
    #: How long an inbox remembers an event's id; longer than the log keeps the event.
    keep_inbox_days: int = Field(default=60, ge=1)
    #: How long a job that is done or cancelled stays; longer than the inbox remembers.
    keep_jobs_days: int = Field(default=90, ge=1)
    #: Roles of this process: api, consumer, relay, worker.
    roles: Words = ("api", "consumer", "relay", "worker")
    #: Worker stages; empty means every stage of the service.
    stages: Words = ()
    #: Stages that this process leaves to others, whoever's they are: their jobs wait until somebody takes them.
    stages_held: Words = ()
    concurrency: int = Field(default=2, ge=1, le=64)
    #: How long a worker that fell silent keeps its jobs from others: some heartbeats, of which there is one in 2 s.
    job_lease_s: float = Field(default=30, ge=10, le=3600)
    #: Modules that the sandbox imports once.
    sandbox_preload: Words = ()
    #: Those whose tasks are short and many, each with few others: they get a sandbox of their own.
    sandbox_apart: Words = ()
    #: Pictures whose text is read side by side, each on one core with up to 2 GiB.
    ocr_at_once: int = Field(default=2, ge=1, le=64)
    #: How much reading gives way to other work, as `nice` counts.
    ocr_nice: int = Field(default=0, ge=0, le=19)
    #: Where spans are sent (OTLP over gRPC), `http://host:port` or `https://host:port`; empty: nowhere.
    otlp: str = ""
    #: Share of the traces begun here that is sent.
    trace_share: float = Field(default=1.0, ge=0, le=1)
    #: host:port of `/metrics`, `/healthz` and `/readyz`; empty: nowhere.
    metrics_listen: str = ""
    #: A loop that has not ticked for so long is frozen.
    stall_s: float = Field(default=120.0, gt=0)

    @field_validator("otlp")
    @classmethod
    def refuse_no_collector(cls, value: str) -> str:
        """An address and nothing else: a path or a password would be ignored silently."""
        if value and not _OTLP.fullmatch(value):
            raise ValueError("write http://host:port (in clear) or https://host:port")
        return value

    @field_validator("metrics_listen")
    @classmethod
    def refuse_no_listener(cls, value: str) -> str:
        """host:port."""
        host, _, port = value.rpartition(":")
        if value and not (host and port.isdigit() and int(port) <= _MOST_PORT):
            raise ValueError("write host:port, for example 127.0.0.1:9100")
        return value

    @model_validator(mode="after")
    def refuse_development_secrets(self) -> Self:
        """Outside local mode every secret must have been set (`docs/settings.md`)."""
        if self.mode == "local":
            return self
        names = ("token_keys", "presign_keys", "encryption_keys", "lookup_key", "audit_key")
        defaults = type(self).model_fields
        left = [f"SHENBAO_{name.upper()}" for name in names if getattr(self, name) == defaults[name].default]
        if left:
            raise ValueError(f"development secrets are refused in {self.mode} mode; set {', '.join(left)}")
        return self

    @model_validator(mode="after")
    def refuse_half_an_account(self) -> Self:
        """Half of it would make boto3 look for the other half elsewhere."""
        if bool(self.objects_access_key) != bool(self.objects_secret_key):
            raise ValueError("set both of SHENBAO_OBJECTS_ACCESS_KEY and SHENBAO_OBJECTS_SECRET_KEY, or neither")
        return self

    @model_validator(mode="after")
    def refuse_forgetting_too_soon(self) -> Self:
        """Each memory outlives the one whose repeats it absorbs."""
        if self.events.startswith("kafka:") and self.keep_inbox_days <= RETENTION.days:
            raise ValueError(
                f"SHENBAO_KEEP_INBOX_DAYS ({self.keep_inbox_days}) must be above the {RETENTION.days} days for which "
                "Kafka keeps a record"
            )
        if not self.keep_log_days < self.keep_inbox_days < self.keep_jobs_days:
            raise ValueError(
                f"SHENBAO_KEEP_LOG_DAYS ({self.keep_log_days}) must be below SHENBAO_KEEP_INBOX_DAYS "
                f"({self.keep_inbox_days}), and that below SHENBAO_KEEP_JOBS_DAYS ({self.keep_jobs_days})"
            )
        return self

    def token_ring(self) -> tuple[TokenKey, ...]:
        """The signing keys of service tokens."""
        return tuple(TokenKey(key_id=key_id, secret=secret) for key_id, secret in split_keys(self.token_keys))


def split_keys(text: str) -> tuple[tuple[str, str], ...]:
    """`id:secret,id:secret` as pairs. Raises `ValueError` naming the position, never the secret."""
    pairs = []
    for position, entry in enumerate(text.split(","), start=1):
        key_id, colon, secret = entry.strip().partition(":")
        if not (key_id and colon and secret):
            raise ValueError(f"key {position} is not of the form id:secret")
        pairs.append((key_id, secret))
    return tuple(pairs)


def explain(error: ValidationError) -> str:
    """Which setting is wrong and why, a line each, without any value (it may be a secret)."""
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        name = "_".join(str(part) for part in problem["loc"]).upper()
        lines.append(f"SHENBAO_{name}: {problem['msg']}" if name else problem["msg"])
    return "\n".join(lines)
