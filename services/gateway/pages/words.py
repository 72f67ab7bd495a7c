"""The words of pages. They are written in Chinese where they stand; `locale/en.po` holds their English."""

import gettext
import io
from functools import cache
from importlib import resources

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from services.catalogue.wording import Lang


@cache
def translations(lang: Lang) -> gettext.NullTranslations:
    """What Jinja asks for words; Chinese is the text itself."""
    if lang == "zh":
        return gettext.NullTranslations()
    text = (resources.files("services.gateway") / "locale" / "en.po").read_bytes()
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(text), locale="en"))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def N_(text: str) -> str:  # noqa: N802 - gettext's customary name for "translate this where it is shown"
    """Mark a text for translation."""
    return text
