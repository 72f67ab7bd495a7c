"""`shenbao checklist`: which items this applicant owes, and why, with the paper copies."""

import json
from pathlib import Path
from typing import Annotated

import typer

from services.catalogue import load
from services.catalogue import profile as profiles
from services.catalogue.checklist import Checklist, Entry, PaperLine
from services.catalogue.checklist import checklist as work_out
from services.catalogue.checklist_json import to_data
from services.catalogue.profile import Profile
from services.catalogue.rules import may_apply
from services.catalogue.source import SourceError
from services.catalogue.wording import Lang
from services.cli.options import CATALOGUE_ID, JsonOption, LangOption, refuse
from services.kernel.clock import SystemClock, china_date

_FOUND = 1


def profile_of(path: Path, lang: Lang) -> Profile:
    """The profile in a file; what is wrong with it is said, and ends the command with 2."""
    today = china_date(SystemClock().now())
    try:
        return profiles.from_yaml(path.read_text("utf-8"), str(path), load.default(), today=today)
    except SourceError as error:
        refuse("\n".join(error.lines(lang)))
    except (OSError, UnicodeDecodeError) as error:
        refuse(f"{path}: 无法读取 / cannot be read ({type(error).__name__})")


def checklist(
    profile: Annotated[Path, typer.Argument(metavar="PROFILE.yaml", help="申报信息 / the applicant's profile.")],
    lang: LangOption = "zh",
    *,
    as_json: JsonOption = False,
) -> None:
    """列出应提交的材料、理由和纸质材料 / what is due, why, and on paper; exit 1 when the person may not apply here."""
    catalogue, person = load.default(), profile_of(profile, lang)
    owed, allowed = work_out(catalogue, person), may_apply(person)
    if as_json:
        data = {"catalogue": CATALOGUE_ID, "version": catalogue.version, "may_apply": allowed, **to_data(owed)}
        typer.echo(json.dumps(data, ensure_ascii=False, indent=2))
    else:
        typer.echo("\n".join(_lines(owed, lang, allowed=allowed)))
    raise typer.Exit(0 if allowed else _FOUND)


_WORDS: dict[Lang, dict[str, str]] = {
    "zh": {
        "may_not": "不能在此申报：本系统受理正高级，以及省属单位的副高级（G-01）。",
        "items": "须提交的材料：{count} 份",
        "paper": "须报送的纸质材料：{count} 种",
        "one": "二选一",
        "some": "至少一种",
        "welcome": "可附",
        "optional": "（不需要上传）",
        "copies": "{count} 份",
        "unstated": "份数通知未规定",
        "decides": "由受理人员确认",
        "system": "系统生成",
    },
    "en": {
        "may_not": "Cannot apply here: full senior titles, and associate senior ones of provincial units only (G-01).",
        "items": "Materials due: {count}",
        "paper": "On paper: {count}",
        "one": "one of",
        "some": "at least one of",
        "welcome": "may be added",
        "optional": " (no upload needed)",
        "copies": "{count} copy",
        "unstated": "copies not stated by the notice",
        "decides": "the receiving office decides",
        "system": "printed by the system",
    },
}


def _lines(owed: Checklist, lang: Lang, *, allowed: bool) -> list[str]:
    words = _WORDS[lang]
    lines = [] if allowed else [words["may_not"], ""]
    lines.append(words["items"].format(count=len(owed.entries)))
    for entry in owed.entries:
        lines += _entry(entry, lang)
    lines += ["", words["paper"].format(count=len(owed.paper))]
    return lines + [_paper(line, lang) for line in owed.paper]


def _entry(entry: Entry, lang: Lang) -> list[str]:
    words, item = _WORDS[lang], entry.item
    title = item.title_zh if lang == "zh" else item.title_en
    label = f" · {entry.answer.label}" if entry.answer.label else ""
    reason = entry.reason_zh if lang == "zh" else entry.reason_en
    optional = words["optional"] if entry.upload_optional else ""
    lines = [f"{item.number:>6}  {title}{label}{optional} — {reason} [{', '.join(item.rules)}]"]
    names = {owed.component.id: getattr(owed.component, lang) for owed in entry.components}
    lines += [f"          ☐ {names[owed.component.id]}" for owed in entry.components if owed.due]
    shown = {owed.component.id for owed in entry.components if owed.due}
    for alternative in entry.alternatives:
        choice = words["one" if alternative.choose == "exactly_one" else "some"]
        lines.append(f"          ☐ {choice}: {' / '.join(names[part] for part in alternative.of)}")
        shown.update(alternative.of)
    lines += [f"          · {words['welcome']}: {name}" for part, name in names.items() if part not in shown]
    return lines


def _paper(line: PaperLine, lang: Lang) -> str:
    words = _WORDS[lang]
    copies = words["unstated"] if line.copies is None else words["copies"].format(count=line.copies)
    marks = [copies, *([words["system"]] if line.generated_by_system else [])]
    marks += [words["decides"]] if line.interpretation and line.copies is None else []
    title = line.title_zh if lang == "zh" else line.title_en
    return f"        ☐ {title} — {', '.join(marks)} [{', '.join(line.rules)}]"
