"""What a PDF's frame tells beside its pages' sizes. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

#: Longest side of a page that PDF's own appendix of limits grants, in its units of 1/72 inch.
MOST_UNITS = 14_400


@dataclass(frozen=True, kw_only=True, slots=True)
class Structure:
    """`portfolio`: it is a folder of other files under one cover. `hidden_layers`: switched off when it is opened.

    `sizeless`, `outsized` and `without_content` name pages (from 1; the first of very many). `bytes_before` and
    `bytes_behind` count what stands in front of the document and behind it in the same file.
    """

    portfolio: bool = False
    hidden_layers: int = 0
    sizeless: tuple[int, ...] = ()
    outsized: tuple[int, ...] = ()
    without_content: tuple[int, ...] = ()
    bytes_before: int = 0
    bytes_behind: int = 0

    def to_json(self) -> dict[str, bool | int | list[int]]:
        """Plain data."""
        return {
            "portfolio": self.portfolio,
            "hidden_layers": self.hidden_layers,
            "sizeless": list(self.sizeless),
            "outsized": list(self.outsized),
            "without_content": list(self.without_content),
            "bytes_before": self.bytes_before,
            "bytes_behind": self.bytes_behind,
        }


NOTHING_ODD = Structure()


def from_json(data: object) -> Structure:
    """What `data` says. Raises `ValueError` where it does not have the promised shape."""
    match data:
        case {
            "portfolio": bool(portfolio),
            "hidden_layers": int(hidden_layers),
            "sizeless": [*sizeless],
            "outsized": [*outsized],
            "without_content": [*without_content],
            "bytes_before": int(before),
            "bytes_behind": int(behind),
        }:
            return Structure(
                portfolio=portfolio,
                hidden_layers=hidden_layers,
                sizeless=_pages(sizeless),
                outsized=_pages(outsized),
                without_content=_pages(without_content),
                bytes_before=before,
                bytes_behind=behind,
            )
    raise ValueError(f"a structure was expected, not {type(data).__name__}")


def _pages(told: Sequence[object]) -> tuple[int, ...]:
    pages = tuple(each for each in told if isinstance(each, int) and each > 0)
    if len(pages) != len(told):
        raise ValueError("pages are whole numbers from 1")
    return pages
