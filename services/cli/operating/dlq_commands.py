"""`shenbao dlq`: events that a group could not have an effect from, to be looked at, sent again or dismissed."""

import json
from collections.abc import Sequence
from typing import Annotated

import typer

from services.cli.operating.many import tell, through
from services.cli.operating.platform import (
    ACCOUNTS,
    MOST_PER_PAGE,
    URL,
    AccountsOption,
    AllOption,
    CursorOption,
    LimitOption,
    LoginOption,
    UrlOption,
    operator,
    pages,
)
from services.cli.operating.table import moment, table
from services.cli.options import JsonOption, LangOption, refuse
from services.cli.person import Data, Person

app = typer.Typer(no_args_is_help=True, help="死信 / dead letters of the event log.")
PATH = "/api/v1/dead-letters"
_HEAD = {"zh": ("编号", "消费组", "类型", "时间", "原因"), "en": ("ID", "GROUP", "TYPE", "AT", "REASON")}
GroupOption = Annotated[str, typer.Option("--group", help="只看一个消费组 / one group's")]
TopicOption = Annotated[str, typer.Option("--topic", help="只看一个主题 / of one topic")]
LetterArgument = Annotated[str, typer.Argument(metavar="ID", help="dlq list 给出的编号 / as `dlq list` shows it")]
LettersArgument = Annotated[list[str] | None, typer.Argument(metavar="ID...", help="编号 / as `dlq list` shows them")]


@app.command("list")
def list_letters(
    group: GroupOption = "",
    topic: TopicOption = "",
    limit: LimitOption = 50,
    cursor: CursorOption = "",
    url: UrlOption = URL,
    accounts: AccountsOption = ACCOUNTS,
    login: LoginOption = "operator",
    lang: LangOption = "zh",
    *,
    everything: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """列出 / those that nobody has settled, by topic and offset."""
    asked = {"group": group, "topic": topic, "limit": limit, "cursor": cursor}
    with operator(url, accounts, login, lang) as person:
        found = pages(person, PATH, "letters", asked, everything=everything)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    rows = [
        (x["letter_id"], x["group"], x["event_type"] or "–", moment(x["at"]), x["reason"]) for x in found["letters"]
    ]
    typer.echo(table(_HEAD[lang], rows))
    if found["next"]:
        typer.echo(f"--cursor {found['next']}")


@app.command()
def show(
    letter: LetterArgument,
    url: UrlOption = URL,
    accounts: AccountsOption = ACCOUNTS,
    login: LoginOption = "operator",
    lang: LangOption = "zh",
    *,
    as_json: JsonOption = False,
) -> None:
    """查看一条 / one of them, with what the event says."""
    with operator(url, accounts, login, lang) as person:
        found = person.ask("GET", _path(letter))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    told = found["letter"]
    typer.echo("\n".join(f"{name:<16}{value}" for name, value in told.items() if name != "payload_json"))
    typer.echo(told["payload_json"] or {"zh": "内容无法解读", "en": "what it says cannot be read"}[lang])


@app.command()
def replay(
    letters: LettersArgument = None,
    group: GroupOption = "",
    topic: TopicOption = "",
    url: UrlOption = URL,
    accounts: AccountsOption = ACCOUNTS,
    login: LoginOption = "operator",
    lang: LangOption = "zh",
    *,
    everything: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """重新发送 / send them again; a group that had its effect from one knows it."""
    with operator(url, accounts, login, lang) as person:
        chosen = _chosen(person, letters or [], {"group": group, "topic": topic}, everything=everything)
        done = through(person, chosen, lambda letter: f"{_path(letter)}/replay")
    tell(done, {"zh": "已重新发送", "en": "sent again"}[lang], as_json=as_json)


@app.command()
def dismiss(
    letters: LettersArgument = None,
    group: GroupOption = "",
    topic: TopicOption = "",
    url: UrlOption = URL,
    accounts: AccountsOption = ACCOUNTS,
    login: LoginOption = "operator",
    lang: LangOption = "zh",
    *,
    everything: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """不再处理 / settle them without another try."""
    with operator(url, accounts, login, lang) as person:
        chosen = _chosen(person, letters or [], {"group": group, "topic": topic}, everything=everything)
        done = through(person, chosen, lambda letter: f"{_path(letter)}/dismissal")
    tell(done, {"zh": "已不再处理", "en": "dismissed"}[lang], as_json=as_json)


def _path(letter: str) -> str:
    topic, _, offset = letter.rpartition("/")
    if not topic or "/" in topic or not offset.isdecimal():
        refuse(f"{letter}: 不是死信的编号 / not the id of a dead letter (topic/offset, see `dlq list`)")
    return f"{PATH}/{topic}/{offset}"


def _chosen(person: Person, letters: Sequence[str], asked: Data, *, everything: bool) -> Sequence[str]:
    if bool(letters) == everything or (letters and any(asked.values())):
        refuse("请给出编号，或用 --all（可加 --group、--topic）/ give ids, or --all (with --group, --topic)")
    for letter in letters:
        _path(letter)
    if letters:
        return letters
    found = pages(person, PATH, "letters", {**asked, "limit": MOST_PER_PAGE}, everything=True)
    return [letter["letter_id"] for letter in found["letters"]]
