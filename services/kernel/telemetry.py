"""Structured logs: a constant message, an `action` and ids as fields, and nothing personal.

A value that looks like an ID number, and any field whose key names personal data, is replaced before a line is
written, whoever wrote it. Libraries' loggers (gRPC, uvicorn, SQLAlchemy) go the same way, without query strings.
"""

import logging
import re
import sys
from collections.abc import Callable, MutableMapping
from typing import Any

import structlog

#: An 18-character ID number anywhere in a text.
_ID_NUMBER = re.compile(r"(?<!\d)[1-9]\d{5}(?:19|20)\d{2}\d{2}\d{2}\d{3}[\dXx](?!\d)")
_QUERY = re.compile(r"\?\S*")
_PERSONAL_KEYS = frozenset(
    {"name", "applicant_name", "id_number", "file_name", "filename", "profile", "password", "token", "detail", "text"}
)
REDACTED = "[redacted]"

EventDict = MutableMapping[str, Any]


def redact(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Take personal values out of a log line."""
    for key, value in event.items():
        if key in _PERSONAL_KEYS:
            event[key] = REDACTED
        elif isinstance(value, str):
            event[key] = _ID_NUMBER.sub(REDACTED, value)
    return event


def _without_queries(_logger: object, _method: str, event: EventDict) -> EventDict:
    text = event.get("event")
    if isinstance(text, str) and event.get("_from_structlog") is False:
        event["event"] = _QUERY.sub("?…", text)
    return event


def configure(*, service: str, level: str) -> None:
    """Send every log of this process to standard error, one JSON object a line (plain text on a terminal)."""
    renderer: Callable[..., Any] = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        lambda _logger, _method, event: {**event, "service": service},
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            _without_queries,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redact,
            renderer,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("sqlalchemy", "asyncio", "uvicorn.access", "httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
