"""Every error that the code can raise is worded in both languages, and docs/errors.md says the same."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs import make_errors
from services.catalogue.error_texts import explain, texts
from services.catalogue.findings import LEVELS
from services.catalogue.wording import Lang

ROOT = Path(make_errors.ROOT)
_RAISED = re.compile(r'AppError\(\s*"([a-z0-9-]+\.[a-z0-9-]+)"')
#: Codes that a call may answer with although they are findings about a file.
_FINDINGS = frozenset(LEVELS)


def raised() -> Iterator[str]:
    for path in (ROOT / "services").rglob("*.py"):
        yield from _RAISED.findall(path.read_text("utf-8"))


def test_every_raised_code_has_words() -> None:
    missing = sorted(set(raised()) - set(texts()) - _FINDINGS)
    assert missing == []


def test_no_words_are_left_over() -> None:
    known = set(raised()) | {"service.unavailable", "service.deadline", "service.too-large-message", "service.failed"}
    assert sorted(set(texts()) - known) == []


@pytest.mark.parametrize("code", sorted(texts()))
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_words_are_whole_without_parameters(code: str, lang: Lang) -> None:
    text = explain(code, {}, lang)
    assert text.title
    assert text.detail
    assert text.fix
    assert "{" not in text.detail + text.fix


def test_the_page_is_what_the_data_says() -> None:
    assert make_errors.PAGE.read_text("utf-8") == make_errors.page(), "run `make errors`"
