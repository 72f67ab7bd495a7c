"""How backup and restore speak: steps on standard error, refusals in two languages with exit code 2."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from pydantic import ValidationError

from services.catalogue.wording import Lang
from services.cli.backup.taking import Say
from services.cli.options import fail, refuse
from services.kernel.config import explain
from services.kernel.db.embedded import PostgresFailed
from services.kernel.errors import AppError
from services.kernel.storage.port import StorageError

_STEPS = {
    "database": {"zh": "数据库：{count} 行", "en": "database: {count} rows"},
    "objects": {"zh": "文件：{count} 个，{size_bytes} 字节", "en": "objects: {count}, {size_bytes} bytes"},
    "audit": {"zh": "审计链：{count} 条，完整", "en": "audit chains: {count} entries, whole"},
}


def steps(lang: Lang) -> Say:
    """Says each step as it is done."""

    def say(step: str, count: int, size_bytes: int) -> None:
        typer.echo(_STEPS[step][lang].format(count=count, size_bytes=size_bytes), err=True)

    return say


@contextmanager
def refusing(lang: Lang) -> Iterator[None]:
    """What the world does wrong is said and ends the command; a bug goes through."""
    try:
        yield
    except AppError as error:
        fail(error, lang)
    except ValidationError as error:
        refuse(explain(error))
    except (PostgresFailed, StorageError, OSError) as error:
        refuse(f"{type(error).__name__}: {error}")
