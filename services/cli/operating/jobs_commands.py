"""`shenbao jobs`: what the services' workers have to do, did, or could not do."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, get_args

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

app = typer.Typer(no_args_is_help=True, help="任务 / jobs of the services.")
PATH = "/api/v1/jobs"
Service = Literal["upload", "video", "pdfcheck", "review"]
State = Literal["queued", "leased", "done", "dead", "cancelled"]
SERVICES: tuple[str, ...] = get_args(Service)
_HEAD = {
    "zh": ("编号", "环节", "状态", "次数", "更新时间", "错误"),
    "en": ("ID", "STAGE", "STATE", "ATTEMPTS", "UPDATED", "ERROR"),
}
_STATES = {
    "zh": {"queued": "等待", "leased": "进行中", "done": "完成", "dead": "失败", "cancelled": "已取消"},
    "en": {"queued": "waiting", "leased": "running", "done": "done", "dead": "dead", "cancelled": "cancelled"},
}
ServiceOption = Annotated[Service | None, typer.Option("--service", help="只看一个服务 / one service's")]
StateOption = Annotated[State | None, typer.Option("--state", help="只看一种状态 / in one state")]
StageOption = Annotated[str, typer.Option("--stage", help="只看一个环节 / of one stage: verdict, merge, …")]
DossierOption = Annotated[str, typer.Option("--dossier", help="只看一份申报 / of one dossier")]
JobArgument = Annotated[
    str, typer.Argument(metavar="SERVICE/ID", help="jobs list 给出的编号 / as `jobs list` shows it")
]
JobsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="SERVICE/ID...", help="编号 / as `jobs list` shows them")
]


@app.command("list")
def list_jobs(
    service: ServiceOption = None,
    state: StateOption = None,
    stage: StageOption = "",
    dossier: DossierOption = "",
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
    """列出 / newest first; of every service unless one is named."""
    if cursor and service is None:
        refuse("--cursor 需要 --service / --cursor needs --service")
    asked = {"state": state or "", "stage": stage, "dossier": dossier, "limit": limit, "cursor": cursor}
    with operator(url, accounts, login, lang) as person:
        found = _found(person, service, asked, everything=everything)
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    typer.echo(table(_HEAD[lang], [_line(job, _STATES[lang]) for job in found["jobs"]]))
    if found["next"]:
        typer.echo(f"--service {service} --cursor {found['next']}")


def _found(person: Person, service: str | None, asked: Mapping[str, object], *, everything: bool) -> Data:
    """Jobs with their service; the cursor of the following page when one service was asked."""
    jobs: list[Data] = []
    following = ""
    for each in SERVICES if service is None else [service]:
        page = pages(person, PATH, "jobs", {**asked, "service": each}, everything=everything)
        jobs += [{"service": each, **job} for job in page["jobs"]]
        following = page["next"] if service is not None else ""
    return {"jobs": jobs, "next": following}


def _line(job: Data, states: Mapping[str, str]) -> Sequence[object]:
    attempts = f"{job['attempts']}/{job['max_attempts']}"
    state = states[job["state"]]
    return _id(job), job["stage"], state, attempts, moment(job["updated_at"]), job["last_error"] or "–"


def _id(job: Data) -> str:
    return f"{job['service']}/{job['job_id']}"


@app.command()
def show(
    job: JobArgument,
    url: UrlOption = URL,
    accounts: AccountsOption = ACCOUNTS,
    login: LoginOption = "operator",
    lang: LangOption = "zh",
    *,
    as_json: JsonOption = False,
) -> None:
    """查看一个 / one of them."""
    with operator(url, accounts, login, lang) as person:
        found = person.ask("GET", _path(job))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False))
        return
    told = {**found["job"], "state": _STATES[lang][found["job"]["state"]]}
    typer.echo("\n".join(f"{name:<14}{value}" for name, value in told.items()))


@app.command()
def retry(
    jobs: JobsArgument = None,
    service: ServiceOption = None,
    stage: StageOption = "",
    dossier: DossierOption = "",
    url: UrlOption = URL,
    accounts: AccountsOption = ACCOUNTS,
    login: LoginOption = "operator",
    lang: LangOption = "zh",
    *,
    everything: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """重试 / put dead or cancelled jobs back, with fresh attempts; --all means every dead one."""
    filters = {"stage": stage, "dossier": dossier}
    with operator(url, accounts, login, lang) as person:
        chosen = _chosen(person, jobs or [], service, filters, ["dead"], everything=everything)
        done = through(person, chosen, lambda job: f"{_path(job)}/retry")
    tell(done, {"zh": "已放回", "en": "put back"}[lang], as_json=as_json)


@app.command()
def cancel(
    jobs: JobsArgument = None,
    service: ServiceOption = None,
    stage: StageOption = "",
    dossier: DossierOption = "",
    url: UrlOption = URL,
    accounts: AccountsOption = ACCOUNTS,
    login: LoginOption = "operator",
    lang: LangOption = "zh",
    *,
    everything: AllOption = False,
    as_json: JsonOption = False,
) -> None:
    """取消 / ask waiting or running jobs to stop; --all needs a stage or a dossier."""
    filters = {"stage": stage, "dossier": dossier}
    if everything and not any(filters.values()):
        refuse("--all 需要 --stage 或 --dossier / --all needs --stage or --dossier: nobody means every job there is")
    with operator(url, accounts, login, lang) as person:
        chosen = _chosen(person, jobs or [], service, filters, ["queued", "leased"], everything=everything)
        done = through(person, chosen, lambda job: f"{_path(job)}/cancellation")
    tell(done, {"zh": "已请求取消", "en": "asked to stop"}[lang], as_json=as_json)


def _path(job: str) -> str:
    service, _, job_id = job.partition("/")
    if service not in SERVICES or not job_id or not job_id.replace("-", "").isalnum():
        refuse(f"{job}: 不是任务的编号 / not the id of a job (service/id, see `jobs list`)")
    return f"{PATH}/{service}/{job_id}"


def _chosen(
    person: Person, jobs: Sequence[str], service: str | None, filters: Mapping[str, str], states: Sequence[str], *,
    everything: bool,
) -> Sequence[str]:  # fmt: skip
    if bool(jobs) == everything or (jobs and (service or any(filters.values()))):
        refuse("请给出编号，或用 --all（可加 --service、--stage、--dossier）/ give ids, or --all (with filters)")
    for job in jobs:
        _path(job)
    if jobs:
        return jobs
    asked = {**filters, "limit": MOST_PER_PAGE}
    found = [_found(person, service, {**asked, "state": state}, everything=True) for state in states]
    return [_id(job) for each in found for job in each["jobs"]]
