"""Opaque server-side sessions: the cookie holds a random token, the database its hash."""

import hashlib
import secrets
from datetime import timedelta

from services.gateway.auth import passwords
from services.gateway.repository import Account, Repository, Session
from services.gateway.settings import Settings
from services.kernel.clock import Clock
from services.kernel.errors import AppError, Kind


def token_hash(token: str) -> bytes:
    """What the database knows of a token."""
    return hashlib.sha256(token.encode()).digest()


class Sessions:
    """Signing in and out."""

    def __init__(self, repository: Repository, clock: Clock, settings: Settings) -> None:
        """The gateway's own rows and settings."""
        self._repository = repository
        self._clock = clock
        self._settings = settings

    async def sign_in(self, login: str, password: str) -> tuple[str, Session]:
        """Token and session. Raises `AppError` account.wrong-password, which never tells whether the login exists,
        and account.locked after too many failures."""
        account = await self._repository.account(login=login.strip().lower()[:200])
        now = self._clock.now()
        if account is not None and account.locked_until is not None and account.locked_until > now:
            seconds = int((account.locked_until - now).total_seconds()) + 1
            raise AppError("account.locked", Kind.LIMITED, seconds=seconds)
        right = await passwords.matches(password, None if account is None else account.password_hash)
        if account is None or account.disabled or not right:
            if account is not None:
                until = now + timedelta(seconds=self._settings.lockout_s)
                await self._repository.login_failed(
                    account.account_id, most=self._settings.login_failures, locked_until=until
                )
            raise AppError("account.wrong-password", Kind.UNAUTHENTICATED)
        return await self._start(account)

    async def _start(self, account: Account) -> tuple[str, Session]:
        token, now = secrets.token_urlsafe(32), self._clock.now()
        session = Session(
            token_sha256=token_hash(token),
            account_id=account.account_id,
            csrf=secrets.token_urlsafe(24),
            created_at=now,
            seen_at=now,
            must_change=account.must_change,
        )
        await self._repository.start_session(session)
        return token, session

    async def find(self, token: str, *, used: bool = True) -> Session | None:
        """The session of a cookie's token; None when it is forged, expired or ended.

        What a page asks for by itself, without its reader, is no use: it keeps no session alive.
        """
        if not token or len(token) > 200:
            return None
        return await self._repository.session(
            token_hash(token),
            now=self._clock.now(),
            idle=timedelta(seconds=self._settings.session_idle_s),
            longest=timedelta(seconds=self._settings.session_longest_s),
            used=used,
        )

    async def change_password(self, session: Session, old: str, new: str) -> tuple[str, Session]:
        """A new password ends every session; the answer is a fresh one.

        Raises `AppError` account.wrong-password, account.weak-password, account.same-password.
        """
        account = await self._repository.account(account_id=session.account_id)
        if account is None or not await passwords.matches(old, account.password_hash):
            raise AppError("account.wrong-password", Kind.UNAUTHENTICATED)
        if old == new:
            raise AppError("account.same-password", Kind.INVALID)
        await self._repository.set_password(account.account_id, await passwords.hashed(new))
        changed = await self._repository.account(account_id=account.account_id)
        if changed is None:
            raise AppError("account.wrong-password", Kind.UNAUTHENTICATED)
        return await self._start(changed)
