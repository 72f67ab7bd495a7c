"""Which database errors pass by themselves: worth waiting for, and no sign of a bug."""

import asyncpg
from sqlalchemy import exc

#: Classes of SQLSTATE: connection lost, rolled back for another (deadlock, serialization), out of resources, locked,
#: operator intervention (shutdown, starting up, a session cut off for its silence), system error.
_PASSING = frozenset({"08", "40", "53", "55", "57", "58"})


def is_outage(error: BaseException) -> bool:
    """Whether the same transaction may succeed later without anything being mended in the code or the data.

    Understands what SQLAlchemy raises, what asyncpg raises while connecting (SQLAlchemy hands that on unwrapped) and
    what the operating system says of sockets.
    """
    if isinstance(error, exc.DBAPIError):
        cut_off = isinstance(getattr(error.orig, "__cause__", None), asyncpg.InternalClientError)
        return error.connection_invalidated or cut_off or _state(error.orig) in _PASSING
    if isinstance(error, asyncpg.PostgresError):
        return _state(error) in _PASSING
    if isinstance(error, asyncpg.InterfaceError):  # a closed connection; but a value of the wrong type is one as well
        return not isinstance(error, ValueError)
    return isinstance(error, OSError | exc.TimeoutError | asyncpg.InternalClientError)


def _state(error: BaseException | None) -> str:
    """The class of the SQLSTATE, "" when there is none."""
    return str(getattr(error, "sqlstate", "") or "")[:2]
