"""What an image was found to hold when it was read back, as a record and as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: The ways in which computers look at the disc; each must show the file.
VIEWS = ("joliet", "udf")
Plain = str | int


@dataclass(frozen=True, kw_only=True, slots=True)
class FileOnDisc:
    """One file as one view of the disc shows it; `view` is joliet, udf or mount. `name` includes folders, if any."""

    view: str
    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where one view says that a file lies: (offset, length) in bytes of the image."""

    view: str
    name: str
    extent: tuple[int, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Directories:
    """What every view lists, and the disc's label; nothing of the files themselves was read."""

    label: str
    places: tuple[Place, ...]

    def agree(self, *, label: str, name: str, extent: tuple[int, int]) -> bool:
        """Whether both views show exactly this file in exactly this place, under this label."""
        wanted = tuple(Place(view=view, name=name, extent=extent) for view in VIEWS)
        return self.label == label and self.places == wanted


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadBack:
    """Every file of every view, the disc's label, and the whole image's size and SHA-256."""

    files: tuple[FileOnDisc, ...]
    label: str
    image_bytes: int
    image_sha256: str

    @property
    def only_file(self) -> FileOnDisc | None:
        """The one file that both views show alike and alone, None when anything else is there."""
        first = self.files[0] if self.files else None
        if first is None or [found.view for found in self.files] != list(VIEWS):
            return None
        same = all((found.name, found.size_bytes, found.sha256) == _identity(first) for found in self.files)
        return first if same else None

    def agrees(self, *, name: str, size_bytes: int, sha256: str) -> bool:
        """Whether both views show exactly this file and nothing else."""
        return self.only_file is not None and _identity(self.only_file) == (name, size_bytes, sha256)


class UnreadableReadBack(ValueError):
    """A plain form that no reading back wrote: a bug, or a sandbox that was taken over."""


def to_plain(found: ReadBack) -> dict[str, Plain | list[dict[str, Plain]]]:
    """The record as nested plain values."""
    files: list[dict[str, Plain]] = [
        {"view": file.view, "name": file.name, "size_bytes": file.size_bytes, "sha256": file.sha256}
        for file in found.files
    ]
    return {
        "files": files,
        "label": found.label,
        "image_bytes": found.image_bytes,
        "image_sha256": found.image_sha256,
    }


def from_plain(plain: object) -> ReadBack:
    """The record back from its plain form. Raises `UnreadableReadBack` on anything else."""
    match plain:
        case {"files": list(files), "label": str(label), "image_bytes": int(size), "image_sha256": str(sha256)}:
            return ReadBack(files=_files(files), label=label, image_bytes=size, image_sha256=sha256)
    raise UnreadableReadBack("no read-back")


def _files(plain: Sequence[Mapping[str, object]]) -> tuple[FileOnDisc, ...]:
    files = []
    for one in plain:
        match one:
            case {"view": str(view), "name": str(name), "size_bytes": int(size), "sha256": str(sha256)}:
                files.append(FileOnDisc(view=view, name=name, size_bytes=size, sha256=sha256))
            case _:
                raise UnreadableReadBack("no file on a disc")
    return tuple(files)


def _identity(file: FileOnDisc) -> tuple[str, int, str]:
    return file.name, file.size_bytes, file.sha256
