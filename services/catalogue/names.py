"""Person names in one form, whoever wrote them: form, file name, disc and title card are compared in it (M15-2f)."""

import unicodedata

#: What stands between the parts of Tibetan, Yi, Uyghur and other names, as people and systems write it.
SEPARATORS = "·•．‧∙⋅・｡・."
SEPARATOR = "·"


def normalise(name: str) -> str:
    """NFC, full-width made plain, every separator as `·`, no white space."""
    composed = unicodedata.normalize("NFC", name)
    characters = []
    for character in composed:
        if character in SEPARATORS:
            characters.append(SEPARATOR)
        elif not character.isspace():
            characters.append(chr(ord(character) - 0xFEE0) if "！" <= character <= "～" else character)
    return "".join(characters)


def same(one: str, other: str) -> bool:
    """Whether two writings are one name."""
    return normalise(one) == normalise(other)
