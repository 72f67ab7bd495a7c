"""Names that papers bear in practice, beside the titles of the components that they are (`headings.yaml`)."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources

import yaml

#: For any item.
ANY = "*"


@cache
def names() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Item (or `ANY`) → component → names."""
    text = (resources.files(__package__) / "headings.yaml").read_text(encoding="utf-8")
    told: Mapping[str, Mapping[str, Sequence[str]]] = yaml.safe_load(text)
    return told
