"""`shenbao topics`: makes the topics of the event log, and mends their retention. Nothing else ever makes one."""

import asyncio
import json
from collections.abc import Sequence

import typer
from pydantic import ValidationError

from services.catalogue.wording import Lang
from services.cli.options import JsonOption, LangOption, fail, refuse
from services.kernel import wiring
from services.kernel.config import ServiceSettings, explain
from services.kernel.errors import AppError
from services.kernel.events.port import AppliedTopic, EventLogUnavailable
from services.kernel.events.topics import declared

app = typer.Typer(no_args_is_help=True, help="事件主题 / the topics of the event log.")
_REFUSED = 1
_OUTCOMES: dict[Lang, dict[str, str]] = {
    "zh": {"created": "已建立", "changed": "已修改保留时间", "kept": "未变", "refused": "分区数不同，未改动"},
    "en": {"created": "created", "changed": "retention changed", "kept": "kept", "refused": "other partitions; left"},
}


@app.callback()
def _group() -> None:
    """A group, although it has one command today."""


@app.command()
def apply(lang: LangOption = "zh", *, as_json: JsonOption = False) -> None:
    """建立缺少的主题 / make what is missing on SHENBAO_EVENTS; 1 when a topic has another number of partitions."""
    try:
        settings = ServiceSettings()
    except ValidationError as error:
        refuse(explain(error))
    if not settings.events:
        refuse("请设置 SHENBAO_EVENTS / set SHENBAO_EVENTS: kafka://host:port,…")
    try:
        applied = asyncio.run(_apply(settings))
    except AppError as error:
        fail(error, lang)
    except EventLogUnavailable as error:
        refuse(f"事件日志没有应答 / the event log does not answer: {error}")
    _tell(applied, lang, as_json=as_json)
    raise typer.Exit(_REFUSED if any(each.outcome == "refused" for each in applied) else 0)


async def _apply(settings: ServiceSettings) -> Sequence[AppliedTopic]:
    log = wiring.open_event_log(settings)
    try:
        return await log.apply_topics(declared())
    finally:
        await log.close()


def _tell(applied: Sequence[AppliedTopic], lang: Lang, *, as_json: bool) -> None:
    if as_json:
        told = [{"topic": a.name, "outcome": a.outcome, "partitions": a.partitions} for a in applied]
        typer.echo(json.dumps({"topics": told}, ensure_ascii=False))
        return
    for each in applied:
        typer.echo(f"{each.name:<34}{each.partitions:>3}  {_OUTCOMES[lang][each.outcome]}")
