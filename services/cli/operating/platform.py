"""How the commands reach the platform, and how they speak of what it refuses (exit code 2)."""

import json
import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import httpx
import typer

from services.catalogue.wording import Lang
from services.cli.options import refuse
from services.cli.person import Data, Person, Refused

PASSWORD = "SHENBAO_OPERATOR_PASSWORD"  # noqa: S105 - the name of a setting
MOST_PER_PAGE = 200
UrlOption = Annotated[str, typer.Option("--url", help="平台地址 / where the platform is")]
AccountsOption = Annotated[
    Path, typer.Option("--accounts", help=f"含密码的账号文件 / its accounts.json; or {PASSWORD} in the environment")
]
LoginOption = Annotated[str, typer.Option("--login", help="运维账号 / the operator's account")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=MOST_PER_PAGE, help="每页条数 / lines of a page")]
CursorOption = Annotated[str, typer.Option("--cursor", help="从上一页的 next 继续 / go on from a page's `next`")]
AllOption = Annotated[bool, typer.Option("--all", help="全部 / all of them")]
URL = "http://127.0.0.1:8080"
ACCOUNTS = Path("./var/accounts.json")


@contextmanager
def operator(url: str, accounts: Path, login: str, lang: Lang) -> Iterator[Person]:
    """The operator, signed in for the block; whatever is refused or does not answer ends the command with 2."""
    try:
        person = Person(url.rstrip("/"), login, _password(accounts, login), lang=lang)
        try:
            yield person
        finally:
            person.sign_out()
    except Refused as error:
        refuse(worded(error))
    except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, json.JSONDecodeError) as error:
        refuse(
            {
                "zh": f"{url} 没有应答（{type(error).__name__}）。请检查平台是否在运行，地址 --url 是否正确。",
                "en": f"{url} does not answer ({type(error).__name__}). See that the platform runs and --url is right.",
            }[lang]
        )


def _password(accounts: Path, login: str) -> str:
    given = os.environ.get(PASSWORD, "")
    if given:
        return given
    try:
        known = json.loads(accounts.read_text("utf-8"))["accounts"]
        return str({account["login"]: account["password"] for account in known}[login])
    except (OSError, ValueError, KeyError, TypeError) as error:
        refuse(
            f"{accounts}: 没有账号 {login} 的密码；请用 --accounts 指明，或设置 {PASSWORD} / no password of {login}: "
            f"give --accounts, or set {PASSWORD} ({type(error).__name__})"
        )


def worded(error: Refused) -> str:
    """Title, what was found, what to do, and the code, as the platform says them."""
    try:
        told = error.answer.json()
        return f"{told['title']}\n{told['detail']}\n{told['fix']}  ({told['code']})"
    except (ValueError, KeyError, TypeError):
        return str(error)


def pages(person: Person, path: str, of: str, asked: Mapping[str, object], *, everything: bool) -> Data:
    """One page of a list, or all of them put together: `{of: […], "next": cursor}`."""
    found: list[Data] = []
    parameters = {key: value for key, value in asked.items() if value != ""}
    while True:
        page = person.ask("GET", path, params=parameters)
        found += page[of]
        cursor = page["next_page_token"]
        if not everything or not cursor:
            return {of: found, "next": cursor}
        parameters["cursor"] = cursor
