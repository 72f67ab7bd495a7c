"""Passwords of local accounts: argon2id in a thread, the same work for a login that does not exist."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from services.kernel.errors import AppError, Kind

LEAST_CHARACTERS = 10
MOST_CHARACTERS = 200
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
#: Verified in place of an unknown account's, so that the answer takes as long.
_NOBODY = _hasher.hash("nobody has this password")


async def hashed(password: str) -> str:
    """The password's hash. Raises `AppError` account.weak-password."""
    if not LEAST_CHARACTERS <= len(password) <= MOST_CHARACTERS:
        raise AppError(
            "account.weak-password",
            Kind.INVALID,
            characters=len(password),
            least=LEAST_CHARACTERS,
            most=MOST_CHARACTERS,
        )
    return await asyncio.to_thread(_hasher.hash, password)


async def matches(password: str, password_hash: str | None) -> bool:
    """Whether the password is right; False for no account, after the same work."""
    return await asyncio.to_thread(_verify, password[:MOST_CHARACTERS], password_hash or _NOBODY) and bool(
        password_hash
    )


def _verify(password: str, password_hash: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
