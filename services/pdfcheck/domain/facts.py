"""What was measured on one document or picture, as a value that also travels as plain JSON.

The measuring is done in a sandboxed process that can only hand back JSON-like data, so every record here has
`to_json` and `from_json`; `from_json` checks what it gets, because the other side has just read a hostile file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from services.pdfcheck.domain import excess, signatures, structure
from services.pdfcheck.domain.excess import Excess
from services.pdfcheck.domain.signatures import Signature
from services.pdfcheck.domain.structure import NOTHING_ODD, Structure

#: JSON-like data, as it crosses the sandbox's edge.
Json = str | int | float | bool | Sequence["Json"] | Mapping[str, "Json"] | None


class Health(StrEnum):
    """Whether the content can be used, best first. Everything after `REPAIRED` has no usable pages."""

    SOUND = "sound"
    REPAIRED = "repaired"
    EMPTY_FILE = "empty-file"
    NOT_A_DOCUMENT = "not-a-document"
    DAMAGED = "damaged"
    NO_PAGES = "no-pages"
    LOCKED = "locked"
    TOO_COMPLEX = "too-complex"


class Lock(StrEnum):
    """How a file is locked that nobody here can open."""

    PASSWORD = "password"  # noqa: S105 - a kind of lock
    #: For the holders of certain certificates alone.
    CERTIFICATE = "certificate"
    #: By a program of its own kind, or in a way that no standard knows.
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class PageSize:
    """The judged size of a page in bytes (G-07).

    `exact` tells the size of the file that holds this page alone from an upper bound that is far below the limit.
    `shared_font_bytes` is what was taken off because fonts are used by several pages (0: nothing).
    """

    size_bytes: int
    exact: bool = True
    shared_font_bytes: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentFacts:
    """Facts of one PDF, JPEG or PNG; a picture counts as a document of one page.

    `size_bytes` is the whole file. `media_type` is what the content is. `active` names the kinds of active content
    found ("javascript", "launch", …), `embedded_files` counts attachments, `width_px` and `height_px` are a
    picture's, upright, and 0 for a PDF. `encrypted` is true for any encryption, `owner_restricted` where it only
    withholds permissions. `excess` says which limit was hit where the health is too complex, `lock` how it is locked,
    and `missing_bytes` how much a file that is cut off says that it once had (0: it does not say).
    """

    size_bytes: int
    media_type: str
    health: Health
    pages: tuple[PageSize, ...] = ()
    encrypted: bool = False
    owner_restricted: bool = False
    signed: bool = False
    xfa: bool = False
    active: tuple[str, ...] = ()
    embedded_files: int = 0
    images_only: bool = False
    width_px: int = 0
    height_px: int = 0
    signatures: tuple[Signature, ...] = ()
    structure: Structure = NOTHING_ODD
    excess: Excess | None = None
    lock: Lock | None = None
    cut_off: bool = False
    missing_bytes: int = 0

    @property
    def usable(self) -> bool:
        """Whether pages can be shown and merged."""
        return self.health in (Health.SOUND, Health.REPAIRED) and bool(self.pages)

    @property
    def page_bytes(self) -> tuple[int, ...]:
        """The judged size of each page, in order."""
        return tuple(page.size_bytes for page in self.pages)

    @property
    def largest_page_bytes(self) -> int:
        """The largest judged page, 0 without pages."""
        return max(self.page_bytes, default=0)

    def with_health(self, health: Health) -> "DocumentFacts":
        """The same facts under another health."""
        return replace(self, health=health)

    def shown(self) -> dict[str, Json]:
        """The facts that `cli.md` promises under `facts`."""
        picture: dict[str, Json] = {"width": self.width_px, "height": self.height_px} if self.width_px else {}
        return {
            "pages": len(self.pages),
            "size_bytes": self.size_bytes,
            "page_bytes": list(self.page_bytes),
            "largest_page_bytes": self.largest_page_bytes,
            "encrypted": self.encrypted,
            "signed": self.signed,
            "images_only": self.images_only,
            "signatures": [each.to_json() for each in self.signatures],
            **picture,
        }

    def to_json(self) -> dict[str, Json]:
        """Plain data for the sandbox's edge and for a database column."""
        return {
            "size_bytes": self.size_bytes,
            "media_type": self.media_type,
            "health": str(self.health),
            "pages": [[page.size_bytes, page.exact, page.shared_font_bytes] for page in self.pages],
            "encrypted": self.encrypted,
            "owner_restricted": self.owner_restricted,
            "signed": self.signed,
            "xfa": self.xfa,
            "active": list(self.active),
            "embedded_files": self.embedded_files,
            "images_only": self.images_only,
            "width_px": self.width_px,
            "height_px": self.height_px,
            "signatures": [each.to_json() for each in self.signatures],
            "structure": self.structure.to_json(),
            "excess": self.excess.to_json() if self.excess else None,
            "lock": str(self.lock) if self.lock else None,
            "cut_off": self.cut_off,
            "missing_bytes": self.missing_bytes,
        }


def from_json(data: Mapping[str, Json]) -> DocumentFacts:
    """The facts that `data` says. Raises `ValueError` or `KeyError` where it does not have the promised shape."""
    return DocumentFacts(
        size_bytes=_whole(data["size_bytes"]),
        media_type=str(data["media_type"]),
        health=Health(str(data["health"])),
        pages=tuple(_page(entry) for entry in _list(data["pages"])),
        encrypted=bool(data["encrypted"]),
        owner_restricted=bool(data["owner_restricted"]),
        signed=bool(data["signed"]),
        xfa=bool(data["xfa"]),
        active=tuple(str(kind) for kind in _list(data["active"])),
        embedded_files=_whole(data["embedded_files"]),
        images_only=bool(data["images_only"]),
        width_px=_whole(data["width_px"]),
        height_px=_whole(data["height_px"]),
        signatures=tuple(signatures.from_json(_record(entry)) for entry in _list(data["signatures"])),
        structure=structure.from_json(data["structure"]),
        excess=excess.from_json(data["excess"]),
        lock=None if data["lock"] is None else Lock(str(data["lock"])),
        cut_off=bool(data["cut_off"]),
        missing_bytes=_whole(data["missing_bytes"]),
    )


def too_complex(*, size_bytes: int, media_type: str, hit: Excess | None = None) -> DocumentFacts:
    """The facts of a file whose check `hit` one of the sandbox's limits."""
    return DocumentFacts(size_bytes=size_bytes, media_type=media_type, health=Health.TOO_COMPLEX, excess=hit)


def _record(entry: Json) -> Mapping[str, Json]:
    if not isinstance(entry, Mapping):
        raise ValueError(f"a record was expected, not {type(entry).__name__}")
    return entry


def _page(entry: Json) -> PageSize:
    size, exact, shared = _list(entry)
    return PageSize(size_bytes=_whole(size), exact=bool(exact), shared_font_bytes=_whole(shared))


def _list(value: Json) -> Sequence[Json]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ValueError(f"a list was expected, not {type(value).__name__}")
    return value


def _whole(value: Json) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"a whole number from 0 was expected, not {value!r}")
    return value
