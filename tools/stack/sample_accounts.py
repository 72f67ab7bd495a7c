"""Plants the sample province with an account per role into a platform that runs elsewhere, and prints the accounts.

`python -m tools.stack.sample_accounts` takes four settings as the services have them (`NEEDED`). Passwords are drawn
anew at each run and printed once, as JSON: who runs it a second time has other passwords. It is the way to a first
operator as long as there is no other (`deploy/compose/README.md`).
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from services.cli.embedded.folder import DataFolder
from services.cli.embedded.seed import seed
from services.kernel.config import split_keys
from services.kernel.errors import AppError

NEEDED = ("SHENBAO_REVIEW_ADDRESS", "SHENBAO_GATEWAY_DATABASE", "SHENBAO_TOKEN_KEYS", "SHENBAO_PUBLIC_URL")
#: The id under which seeding signs; the key of this id is what the services must know.
_KEY_ID = "a"


async def planted(settings: Mapping[str, str]) -> str:
    """What `accounts.json` would hold. Raises `AppError`, `OSError`, `KeyError` (no such key), SQLAlchemy's errors."""
    secret = dict(split_keys(settings["SHENBAO_TOKEN_KEYS"]))[_KEY_ID]
    with tempfile.TemporaryDirectory(prefix="shenbao-accounts-") as place:
        folder = DataFolder(Path(place))
        database = settings["SHENBAO_GATEWAY_DATABASE"]
        await seed(folder, settings["SHENBAO_PUBLIC_URL"], settings, database, secret)
        return folder.accounts.read_text("utf-8")


def main() -> int:
    """The exit status: 0 done, 1 failed, 2 a setting is missing."""
    missing = [name for name in NEEDED if not os.environ.get(name)]
    if missing:
        print(f"accounts: set {', '.join(missing)}", file=sys.stderr)
        return 2
    try:
        print(asyncio.run(planted(os.environ)))
    except KeyError:
        print(f"accounts: SHENBAO_TOKEN_KEYS has no key of the id {_KEY_ID}", file=sys.stderr)
        return 2
    except (AppError, OSError, SQLAlchemyError) as error:
        said = error.code if isinstance(error, AppError) else type(error).__name__
        print(f"accounts: {said}; do review and the database answer?", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
