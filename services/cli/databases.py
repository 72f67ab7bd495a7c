"""Where the databases of real servers are, as their owner, for the commands that look after them.

`SHENBAO_DATABASE` is the owner's URL; a service with a database of its own has `SHENBAO_<SERVICE>_OWNER_DATABASE`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.engine import make_url

from services.kernel.db.owner import check_url
from services.kernel.db.roles import OWNER, SCHEMAS, SERVICES, role_of
from services.kernel.errors import AppError, Kind

SETTING = "SHENBAO_DATABASE"


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnedDatabase:
    """One database and the schemas that it holds, in the order in which they are migrated."""

    url: str
    schemas: tuple[str, ...]

    @property
    def name(self) -> str:
        """The database's own name."""
        return str(make_url(self.url).database)

    @property
    def roles(self) -> tuple[str, ...]:
        """The services whose roles need it: all of them where the event log is."""
        return SERVICES if "events" in self.schemas else self.schemas


def _setting_of(schema: str) -> str:
    return f"SHENBAO_{schema.upper()}_OWNER_DATABASE"


def owned_databases(environment: Mapping[str, str], only: str = "") -> Sequence[OwnedDatabase]:
    """The databases that hold the schemas, or the one that holds `only`.

    The log's schema is left out when the events are on a broker. Raises `AppError` settings.missing,
    settings.bad-database-url.
    """
    grouped: dict[str, list[str]] = {}
    for schema in [only] if only else SCHEMAS:
        if schema == "events" and not only and environment.get("SHENBAO_EVENTS", "").startswith("kafka:"):
            continue
        setting = _setting_of(schema) if environment.get(_setting_of(schema)) else SETTING
        url = environment.get(setting, "")
        if not url:
            raise AppError("settings.missing", Kind.INVALID, setting=SETTING, alternative=_setting_of(schema))
        grouped.setdefault(check_url(setting, url), []).append(schema)
    return [OwnedDatabase(url=url, schemas=tuple(schemas)) for url, schemas in grouped.items()]


def passwords(environment: Mapping[str, str], database: OwnedDatabase) -> Mapping[str, str]:
    """Role → password, as the URLs have them, for making the roles.

    Raises `AppError` settings.missing, settings.wrong-role: the names of the roles are fixed.
    """
    found = {OWNER: _password(SETTING, database.url, OWNER)}
    for service in database.roles:
        setting = f"SHENBAO_{service.upper()}_DATABASE"
        url = environment.get(setting, "")
        if not url:
            raise AppError("settings.missing", Kind.INVALID, setting=setting, alternative=setting)
        found[role_of(service)] = _password(setting, check_url(setting, url), role_of(service))
    return found


def _password(setting: str, url: str, role: str) -> str:
    parts = make_url(url)
    if parts.username != role or not parts.password:
        raise AppError(
            "settings.wrong-role", Kind.INVALID, setting=setting, measured=parts.username or "", allowed=role
        )
    return str(parts.password)


def on_database(server_url: str, name: str) -> str:
    """The same server and account, another database."""
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)
