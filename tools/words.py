"""Brings `services/gateway/locale/en.po` in line with the words of the pages: new ones come empty, gone ones go."""

import io
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

GATEWAY = Path(__file__).parent.parent / "services" / "gateway"
ENGLISH = GATEWAY / "locale" / "en.po"
_METHODS = [("pages/**.py", "python"), ("templates/**.html", "jinja2")]
_OPTIONS = {"templates/**.html": {"newstyle_gettext": "true", "trim_blocks": "true"}}


def said() -> Catalog:
    """Every text of templates and pages that is shown."""
    found = Catalog()
    keywords = {**DEFAULT_KEYWORDS, "N_": None}
    for _file, _line, message, _comments, _context in extract_from_dir(GATEWAY, _METHODS, _OPTIONS, keywords):
        found.add(message)
    return found


def translated() -> Catalog:
    """The English file."""
    return read_po(io.BytesIO(ENGLISH.read_bytes()), locale="en")


def main() -> None:
    """Write the file again; say what still has no English."""
    known, renewed = translated(), Catalog(locale="en")
    for message in said():
        if message.id:
            old = known.get(message.id)
            renewed.add(message.id, string="" if old is None else old.string)
    text = io.BytesIO()
    write_po(text, renewed, width=120, sort_output=True, omit_header=True, no_location=True)
    ENGLISH.write_bytes(text.getvalue())
    for message in renewed:
        if message.id and not message.string:
            sys.stdout.write(f"no English yet: {message.id}\n")


if __name__ == "__main__":
    main()
