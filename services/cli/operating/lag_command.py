"""`shenbao lag`: how far every consumer group is behind."""

import json

import typer

from services.cli.operating.platform import ACCOUNTS, URL, AccountsOption, LoginOption, UrlOption, operator
from services.cli.operating.table import table
from services.cli.options import JsonOption, LangOption

_HEAD = {"zh": ("消费组", "主题", "落后条数", "落后分区"), "en": ("GROUP", "TOPIC", "EVENTS BEHIND", "PARTITIONS")}


def lag(
    url: UrlOption = URL,
    accounts: AccountsOption = ACCOUNTS,
    login: LoginOption = "operator",
    lang: LangOption = "zh",
    *,
    as_json: JsonOption = False,
) -> None:
    """消费进度 / how many events each consumer group has yet to read."""
    with operator(url, accounts, login, lang) as person:
        found = person.ask("GET", "/api/v1/lag")
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    rows = [(each["group"], each["topic"], each["records"], each["partitions_behind"]) for each in found["lags"]]
    typer.echo(table(_HEAD[lang], rows))
