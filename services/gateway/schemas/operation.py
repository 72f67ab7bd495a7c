"""Sessions, organisations, accounts, jobs, audit chains."""

from typing import Any, Literal

from pydantic import Field

from services.gateway.schemas.common import Answer, Id, Level, Moment


class Office(Answer):
    """One role of an account, held at an organisation."""

    role: Literal["applicant", "reviewer", "operator"] = Field(examples=["reviewer"])
    organisation_id: str = Field(examples=["jc"])
    organisation_path: str = Field(examples=["/sc/cd/jc/"])
    level: Level


class SessionAnswer(Answer):
    """Who is signed in."""

    account_id: Id
    name: str = Field(examples=["赵审县"])
    roles: list[Office]
    csrf_token: str = Field(
        examples=["jmdcl8RfZajm8c3asMrdRI2-3p2j-6nB"], description="every change carries it in X-CSRF-Token"
    )
    must_change_password: bool = Field(examples=[False], description="nothing else works before")


class Organisation(Answer):
    """An organisation of the tree."""

    organisation_id: str = Field(examples=["jc-h1"])
    path: str = Field(examples=["/sc/cd/jc/jc-h1/"], description="ids from the root")
    name: str = Field(examples=["锦川县人民医院"])
    level: Level
    kind: str = Field(examples=["county_unit"], description="which route its dossiers take")


class Organisations(Answer):
    """One page of organisations, by path."""

    organisations: list[Organisation]
    next: str = Field(examples=[""], description="cursor of the following page, empty at the end")


class NewAccount(Answer):
    """A new account; the password is answered this once."""

    account_id: Id
    login: str = Field(examples=["li.chuanming"])
    first_password: str = Field(examples=["hPsSyzAM6M6_xQ"])


class Job(Answer):
    """One row of a service's work table."""

    job_id: Id
    stage: str = Field(examples=["verdict"])
    state: Literal["queued", "leased", "done", "dead", "cancelled"] = Field(examples=["done"])
    attempts: int = Field(examples=[1])
    max_attempts: int = Field(examples=[5])
    progress: float = Field(examples=[1.0], description="0 to 1")
    last_error: str = Field(examples=[""], description="code of the last failure")
    dossier_id: str = Field(examples=["01a20ae9-c721-7579-a030-9881d174f058"])
    file_id: str = Field(examples=["01a20ae9-c721-7579-a030-9881d174f058"])
    created_at: Moment | None
    updated_at: Moment | None
    run_after: Moment | None


class Jobs(Answer):
    """One page of jobs, newest first."""

    jobs: list[Job]
    next_page_token: str = Field(examples=[""], description="cursor of the following page, empty at the end")


class JobAnswer(Answer):
    """The job after what was asked of it."""

    job: Job | None


class GroupLag(Answer):
    """A consumer group's distance to the end of a topic."""

    group: str = Field(examples=["review"])
    topic: str = Field(examples=["shenbao.upload.file-stored"])
    records: int = Field(examples=[0], description="events that the group has yet to read")
    partitions_behind: int = Field(examples=[0])


class Lags(Answer):
    """Every group on every topic, by group and topic."""

    lags: list[GroupLag]


class DeadLetter(Answer):
    """An event that a group could not have an effect from."""

    letter_id: str = Field(examples=["shenbao.upload.file-stored.review.dlq/7"], description="topic and offset")
    reason: str = Field(examples=["Undecodable: not the message that its type names"])
    group: str = Field(examples=["review"])
    topic: str = Field(examples=["shenbao.upload.file-stored"], description="where the event was met")
    partition: int = Field(examples=[3])
    offset: int = Field(examples=[41])
    at: Moment | None
    event_id: str = Field(examples=["01a20ae9-c721-7579-a030-9881d174f058"], description="empty when unreadable")
    event_type: str = Field(examples=["shenbao.upload.file-stored.v1"], description="empty when unreadable")
    payload_json: str = Field(examples=["{}"], description="ids, hashes and codes; empty when unreadable")
    payload_bytes: int = Field(examples=[164])


class DeadLetters(Answer):
    """One page of dead letters that nobody has settled, by topic and offset."""

    letters: list[DeadLetter]
    next_page_token: str = Field(examples=[""], description="cursor of the following page, empty at the end")


class DeadLetterAnswer(Answer):
    """One dead letter."""

    letter: DeadLetter | None


class AuditEntry(Answer):
    """One line of an audit chain; ids, codes and hashes only."""

    sequence: int = Field(examples=[1])
    action: str = Field(examples=["dossier.created"])
    actor: str = Field(examples=["de3c4dbb-89bc-58ee-82f1-48931211abee"])
    at: Moment | None
    body: dict[str, Any] = Field(examples=[{"cycle": 2023}], description="exactly what the code was computed over")
    mac: str = Field(examples=["8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4"])


class Audit(Answer):
    """The audit chain of a dossier, oldest first."""

    entries: list[AuditEntry]


class AuditBreak(Answer):
    """Where a chain is not as it was written."""

    dossier_id: Id
    sequence: int = Field(examples=[17])
    kind: Literal["changed", "removed", "inserted", "cut"] = Field(examples=["changed"])


class Verification(Answer):
    """Whether every line is as it was written."""

    verified: bool = Field(examples=[True])
    entries: int = Field(examples=[174])
    breaks: list[AuditBreak] = Field(description="every break that was found")
