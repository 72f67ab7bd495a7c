"""What a backup is made of and what a restore makes: a data folder, or the servers that the environment names."""

import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from pathlib import Path

from services.cli.backup.keys import KeyMaterial
from services.cli.backup.members import SECRETS
from services.cli.backup.restoring import Target
from services.cli.backup.taking import Source
from services.cli.backup.verifying import Backup
from services.cli.backup.writing import sync
from services.cli.databases import SETTING, OwnedDatabase, owned_databases
from services.cli.embedded.folder import DataFolder, Secrets, write_private
from services.cli.embedded.platform import DATABASE, at_hand, service_url
from services.cli.migrate_command import make
from services.kernel import wiring
from services.kernel.clock import SystemClock
from services.kernel.config import ServiceSettings
from services.kernel.db.embedded import EmbeddedPostgres
from services.kernel.db.owner import check_url
from services.kernel.db.roles import OWNER, SCHEMAS, bootstrap
from services.kernel.errors import AppError, Kind
from services.kernel.ids import TimeOrderedIds
from services.kernel.storage.port import Storage

#: Nobody is planted into a restored platform: its accounts are in its database.
_NO_ACCOUNTS = json.dumps({"url": "", "accounts": []})


def named_by_environment(data: Path | None) -> bool:
    """Whether servers are meant: no folder was named, and the environment names a database."""
    return data is None and bool(os.environ.get(SETTING))


@contextmanager
def _storage(settings: ServiceSettings) -> Iterator[Storage]:
    with closing(wiring.open_storage(settings, SystemClock(), TimeOrderedIds())) as storage:
        yield storage


def _local(folder: DataFolder) -> ServiceSettings:
    return ServiceSettings(mode="local", objects=folder.objects.absolute().as_uri())


def _owned(postgres: EmbeddedPostgres, drawn: Secrets) -> OwnedDatabase:
    return OwnedDatabase(url=postgres.url(OWNER, drawn.passwords[OWNER], DATABASE), schemas=SCHEMAS)


@contextmanager
def source_of(data: Path | None) -> Iterator[Source]:
    """The platform of a data folder, running or not, or of the environment.

    Raises `AppError` backup.no-platform, settings.*; `PostgresFailed`; pydantic's `ValidationError`.
    """
    with ExitStack() as stack:
        if named_by_environment(data):
            settings = ServiceSettings()
            yield Source(
                databases=owned_databases(os.environ),
                storage=stack.enter_context(_storage(settings)),
                keys=KeyMaterial.of(settings),
                extra={},
            )
            return
        folder = DataFolder((data or Path("./var")).absolute())
        if not (folder.root / SECRETS).exists():
            raise AppError("backup.no-platform", Kind.NOT_FOUND, place=str(folder.root))
        drawn = folder.secrets()
        postgres = stack.enter_context(at_hand(folder, drawn))
        yield Source(
            databases=[_owned(postgres, drawn)],
            storage=stack.enter_context(_storage(_local(folder))),
            keys=KeyMaterial.parse((folder.root / SECRETS).read_text("utf-8")),
            extra={"accounts": folder.accounts.read_text("utf-8")} if folder.accounts.exists() else {},
        )


@asynccontextmanager
async def servers(bootstrap_url: str, *, resume: bool) -> AsyncIterator[Target]:
    """The servers that the environment names; `bootstrap_url` is a superuser's, to make roles, database, schemas."""
    databases = owned_databases(os.environ)
    for database in databases if bootstrap_url else ():
        await make(database, check_url("--bootstrap", bootstrap_url))
    review = os.environ.get("SHENBAO_REVIEW_DATABASE", "")
    if not review:
        raise AppError(
            "settings.missing", Kind.INVALID, setting="SHENBAO_REVIEW_DATABASE", alternative="SHENBAO_REVIEW_DATABASE"
        )
    with _storage(ServiceSettings()) as storage:
        yield Target(databases=databases, storage=storage, review_url=review, resume=resume)


@asynccontextmanager
async def new_folder(data: Path, backup: Backup, keys: KeyMaterial) -> AsyncIterator[Target]:
    """A data folder that becomes `data` when the block ends well: whole or not at all.

    Raises `AppError` backup.target-not-empty, backup.several-keys; `PostgresFailed`; `OSError`.
    """
    with _made_beside(data) as folder:
        drawn = folder.secrets(**_kept(keys))
        write_private(folder.accounts, _accounts(backup))
        with EmbeddedPostgres(folder.root, drawn.superuser) as postgres, _storage(_local(folder)) as storage:
            inside = postgres.superuser_url.replace("/postgres?", f"/{DATABASE}?")
            await bootstrap(postgres.superuser_url, inside, DATABASE, drawn.passwords)
            review_url = service_url(drawn, postgres, "review")
            yield Target(databases=[_owned(postgres, drawn)], storage=storage, review_url=review_url)


@contextmanager
def _made_beside(data: Path) -> Iterator[DataFolder]:
    """A folder that is renamed to `data` at the end, or removed."""
    data = data.absolute()
    if data.is_symlink() or (data.exists() and (not data.is_dir() or any(data.iterdir()))):
        raise AppError("backup.target-not-empty", Kind.CONFLICT, place=str(data))
    data.parent.mkdir(parents=True, exist_ok=True)
    root = Path(tempfile.mkdtemp(prefix=f".{data.name}-", dir=data.parent))
    try:
        yield DataFolder(root)
        if data.exists():
            data.rmdir()
        root.rename(data)
        sync(data.parent)
    except BaseException:
        shutil.rmtree(root, ignore_errors=True)
        raise


def _kept(keys: KeyMaterial) -> Mapping[str, str]:
    """A data folder has one key, "a"."""
    key_id, _, secret = keys.encryption_keys.partition(":")
    if key_id != "a" or "," in secret:
        raise AppError("backup.several-keys", Kind.UNSUPPORTED)
    return {"encryption": secret, "lookup": keys.lookup_key, "audit": keys.audit_key}


def _accounts(backup: Backup) -> str:
    if backup.manifest.secrets is None:
        return _NO_ACCOUNTS
    with backup.reader.reading(SECRETS) as file:
        return str(json.loads(file.read()).get("accounts", _NO_ACCOUNTS))
