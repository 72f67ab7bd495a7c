"""Accounts, sessions and remembered answers in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from services.kernel.db.batches import delete_in_batches
from services.kernel.db.engine import Database

metadata = sa.MetaData()
_MOMENT = sa.DateTime(timezone=True)
accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("account_id", sa.Text, primary_key=True),
    sa.Column("login", sa.Text, nullable=False, unique=True),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("must_change", sa.Boolean, nullable=False),
    sa.Column("disabled", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("locked_until", _MOMENT),
    sa.Column("created_at", _MOMENT, nullable=False, server_default=sa.func.now()),
)
sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("token_sha256", sa.LargeBinary, primary_key=True),
    sa.Column("account_id", sa.Text, sa.ForeignKey("accounts.account_id"), nullable=False),
    sa.Column("csrf", sa.Text, nullable=False),
    sa.Column("created_at", _MOMENT, nullable=False),
    sa.Column("seen_at", _MOMENT, nullable=False),
)
answers = sa.Table(
    "answers",
    metadata,
    sa.Column("account_id", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("fingerprint", sa.LargeBinary, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("body", sa.LargeBinary),
    sa.Column("etag", sa.Text, nullable=False, server_default=""),
    sa.Column("created_at", _MOMENT, nullable=False),
    sa.Index("answers_created_at", "created_at"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """One local account."""

    account_id: str
    login: str
    password_hash: str
    must_change: bool
    disabled: bool
    failures: int
    locked_until: datetime | None


def _account(row: Any) -> Account:
    names = ("account_id", "login", "password_hash", "must_change", "disabled", "failures", "locked_until")
    return Account(**{name: row[name] for name in names})


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """One signed-in browser."""

    token_sha256: bytes
    account_id: str
    csrf: str
    created_at: datetime
    seen_at: datetime
    must_change: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Remembered:
    """What was answered under an idempotency key; `status` None while the first call is still running."""

    fingerprint: bytes
    status: int | None
    body: bytes | None
    etag: str
    created_at: datetime


class Repository:
    """The gateway's rows; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        """`database` is the gateway's own."""
        self.database = database

    async def account(self, *, login: str = "", account_id: str = "") -> Account | None:
        """By login or id."""
        where = accounts.c.login == login if login else accounts.c.account_id == account_id
        async with self.database.transaction() as connection:
            row = (await connection.execute(sa.select(accounts).where(where))).mappings().first()
        return None if row is None else _account(row)

    async def create_account(self, account_id: str, login: str, password_hash: str, *, must_change: bool) -> bool:
        """Insert; False when the login or id is taken."""
        values = {
            "account_id": account_id,
            "login": login,
            "password_hash": password_hash,
            "must_change": must_change,
            "disabled": False,
            "failures": 0,
        }
        statement = pg.insert(accounts).values(values).on_conflict_do_nothing().returning(sa.literal(1))
        async with self.database.transaction() as connection:
            return (await connection.execute(statement)).first() is not None

    async def accounts(self, search: str, after: str, size: int) -> Sequence[Account]:
        """Accounts by login, those whose login holds `search`, after a login."""
        query = sa.select(accounts).where(accounts.c.login > after).order_by(accounts.c.login).limit(size)
        if search:
            query = query.where(accounts.c.login.contains(search, autoescape=True))
        async with self.database.transaction() as connection:
            return [_account(row) for row in (await connection.execute(query)).mappings()]

    async def taken(self, logins: Sequence[str]) -> set[str]:
        """Those of the logins that exist."""
        query = sa.select(accounts.c.login).where(accounts.c.login.in_(list(logins)))
        async with self.database.transaction() as connection:
            return {row[0] for row in await connection.execute(query)}

    async def change_account(self, account_id: str, **values: object) -> bool:
        """Change columns of an account and end its sessions; False when there is none."""
        async with self.database.transaction() as connection:
            changed = await connection.execute(
                sa.update(accounts).where(accounts.c.account_id == account_id).values(**values)
            )
            await connection.execute(sa.delete(sessions).where(sessions.c.account_id == account_id))
            return changed.rowcount == 1

    async def unlock(self, account_id: str) -> bool:
        """Forget failures; sessions stay. False when there is no such account."""
        free = sa.update(accounts).where(accounts.c.account_id == account_id).values(failures=0, locked_until=None)
        async with self.database.transaction() as connection:
            return (await connection.execute(free)).rowcount == 1

    async def set_password(self, account_id: str, password_hash: str) -> None:
        """Replace the password and end every session of the account."""
        async with self.database.transaction() as connection:
            await connection.execute(
                sa.update(accounts)
                .where(accounts.c.account_id == account_id)
                .values(password_hash=password_hash, must_change=False, failures=0, locked_until=None)
            )
            await connection.execute(sa.delete(sessions).where(sessions.c.account_id == account_id))

    async def login_failed(self, account_id: str, *, most: int, locked_until: datetime) -> None:
        """Count a failure; lock when there are too many in a row."""
        counted = accounts.c.failures + 1
        locked = sa.case((counted >= most, sa.literal(locked_until, _MOMENT)), else_=accounts.c.locked_until)
        async with self.database.transaction() as connection:
            await connection.execute(
                sa.update(accounts)
                .where(accounts.c.account_id == account_id)
                .values(failures=sa.case((counted >= most, 0), else_=counted), locked_until=locked)
            )

    async def start_session(self, session: Session) -> None:
        """Remember a session; the account's failures are forgotten."""
        values = {
            name: getattr(session, name) for name in ("token_sha256", "account_id", "csrf", "created_at", "seen_at")
        }
        async with self.database.transaction() as connection:
            await connection.execute(sa.insert(sessions).values(values))
            await connection.execute(
                sa.update(accounts).where(accounts.c.account_id == session.account_id).values(failures=0)
            )

    async def session(
        self, token_sha256: bytes, *, now: datetime, idle: timedelta, longest: timedelta, used: bool
    ) -> Session | None:
        """The session if it has not expired and its account is not disabled; when it is `used`, it is seen now (at most
        once a minute)."""
        query = (
            sa.select(sessions, accounts.c.must_change)
            .join(accounts, accounts.c.account_id == sessions.c.account_id)
            .where(
                sessions.c.token_sha256 == token_sha256,
                sessions.c.seen_at > now - idle,
                sessions.c.created_at > now - longest,
                ~accounts.c.disabled,
            )
        )
        async with self.database.transaction() as connection:
            row = (await connection.execute(query)).mappings().first()
            if used and row is not None and row["seen_at"] < now - timedelta(minutes=1):
                own = sessions.c.token_sha256 == token_sha256
                await connection.execute(sa.update(sessions).where(own).values(seen_at=now))
        return None if row is None else Session(**row)

    async def end_session(self, token_sha256: bytes) -> None:
        """Forget a session."""
        async with self.database.transaction() as connection:
            await connection.execute(sa.delete(sessions).where(sessions.c.token_sha256 == token_sha256))

    async def remember(self, account_id: str, key: str, fingerprint: bytes, now: datetime) -> Remembered | None:
        """Claim a key; None when it is new, else what is known under it."""
        own = (answers.c.account_id == account_id) & (answers.c.key == key)
        values = {"account_id": account_id, "key": key, "fingerprint": fingerprint, "created_at": now, "etag": ""}
        statement = pg.insert(answers).values(values).on_conflict_do_nothing().returning(sa.literal(1))
        async with self.database.transaction() as connection:
            if (await connection.execute(statement)).first() is not None:
                return None
            row = (await connection.execute(sa.select(answers).where(own))).mappings().one()
        names = ("fingerprint", "status", "body", "etag", "created_at")
        return Remembered(**{name: row[name] for name in names})

    async def answered(self, account_id: str, key: str, *, status: int, body: bytes, etag: str) -> None:
        """Keep the answer of a claimed key."""
        own = (answers.c.account_id == account_id) & (answers.c.key == key)
        async with self.database.transaction() as connection:
            await connection.execute(sa.update(answers).where(own).values(status=status, body=body, etag=etag))

    async def forget(self, account_id: str, key: str) -> None:
        """Free a key whose call did not succeed."""
        own = (answers.c.account_id == account_id) & (answers.c.key == key)
        async with self.database.transaction() as connection:
            await connection.execute(sa.delete(answers).where(own))

    async def prune(self, now: datetime, longest: timedelta, size: int) -> None:
        """Drop expired sessions and answers older than a day, `size` in each transaction."""
        expired = sessions.c.created_at < now - longest
        await delete_in_batches(self.database, sessions, expired, size)
        await delete_in_batches(self.database, answers, answers.c.created_at < now - timedelta(days=1), size)
