"""Every word of the pages has its English, and none is left over."""

import re

from services.gateway.pages.words import translations
from tools.words import said, translated

_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


def test_every_text_is_translated_and_no_translation_is_left_over() -> None:
    spoken = {str(message.id) for message in said() if message.id}
    known = {str(message.id): str(message.string) for message in translated() if message.id}
    assert spoken == set(known)
    assert [text for text, english in known.items() if not english] == []


def test_a_translation_shows_the_same_values() -> None:
    known = {str(message.id): str(message.string) for message in translated() if message.id}
    wrong = [
        text for text, english in known.items() if set(_PLACEHOLDER.findall(text)) != set(_PLACEHOLDER.findall(english))
    ]
    assert wrong == []


def test_chinese_is_the_text_itself_and_english_is_looked_up() -> None:
    assert translations("zh").gettext("保存") == "保存"
    assert translations("en").gettext("保存") == "Save"
    assert translations("en").gettext("没有这句") == "没有这句"
