"""Templates to pages: one environment per language, and how people read sizes, moments and states."""

import hashlib
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from services.catalogue.wording import Lang, readable
from services.gateway.languages import language
from services.gateway.pages import opening, sizes, storyboard, videos
from services.gateway.pages.page_hints import apart
from services.gateway.pages.words import translations

_HERE = Path(__file__).parent.parent
_CHINA = ZoneInfo("Asia/Shanghai")


def moment(value: str | datetime | None) -> str:
    """The minute in China, as `2023-08-31 17:40`; a dash for none."""
    if value is None:
        return "–"
    at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return at.astimezone(_CHINA).strftime("%Y-%m-%d %H:%M")


def size(value: int) -> str:
    """Bytes as `1.25 MB`."""
    return readable(value, "bytes")


def disk(value: int) -> str:
    """Bytes of a disk as `60.8 GB`."""
    return f"{value / 2**30:.1f} GB"


def duration(value: float) -> str:
    """Seconds as `14:02`, `1:14:02`."""
    whole = timedelta(seconds=round(value))
    hours, rest = divmod(int(whole.total_seconds()), 3600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


@cache
def static(name: str) -> str:
    """The address of a static file; it changes with its content, so that a browser never shows an old one."""
    digest = hashlib.sha256((_HERE / "static" / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={digest}"


@cache
def environment(lang: Lang) -> Environment:
    """Everything is escaped; a name that a template does not know is an error, not a blank."""
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.install_gettext_translations(translations(lang), newstyle=True)  # type: ignore[attr-defined]
    made.filters.update(apart=apart, moment=moment, size=size, disk=disk, duration=duration)
    made.globals.update(static=static, lang=lang, opening=opening, sizes=sizes, storyboard=storyboard, videos=videos)
    return made


def fragment(request: Request, template: str, **values: Any) -> Markup:
    """A template's text, to stand within a page."""
    return Markup(environment(language(request)).get_template(template).render(request=request, **values))  # noqa: S704 - the template escapes


def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A whole page. `visitor` (None on pages for everybody) is what the frame needs."""
    given = {"visitor": None, "seq": 0, **values}
    return HTMLResponse(fragment(request, template, **given), status_code=status, headers={"Cache-Control": "no-store"})
