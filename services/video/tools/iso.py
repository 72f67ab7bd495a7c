"""Data-DVD images by pycdlib: ISO 9660, Joliet and UDF over one copy of the untouched mp4, planned and read back.

pycdlib lays the image out around a file of which it knows the length only; what stands before the file's bytes and what
behind them is all that there is to write. The same length, name, label and time give the same plan: pycdlib's clock and
random numbers are fixed while it works, and times are written in UTC.
"""

import hashlib
import io
import struct
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any, BinaryIO, cast

import pycdlib
from pycdlib import dates, headervd, udf, utils
from pycdlib import pycdlib as pycdlib_core
from pycdlib.pycdlibexception import PyCdlibException

from services.video.domain.bmff.source import ReadAt
from services.video.domain.disc import MAX_LABEL_CHARACTERS, MAX_NAME_UNITS, NameNotForDisc, disc_file_name
from services.video.domain.readback import VIEWS, Directories, FileOnDisc, Place, ReadBack

#: The name in plain ISO 9660, which only very old systems look at.
_PLAIN_PATH = "/VIDEO.MP4;1"
_BLOCK_BYTES = 2**20
_CLOCK_READERS = (pycdlib_core, headervd, dates, udf, utils)
_one_image_lock = threading.Lock()

#: What a directory that leads nowhere makes of pycdlib, besides its own errors.
_LED_ASTRAY = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
)


class ImageUnreadable(Exception):
    """The image is no disc image, or its directories cannot be followed."""


class _Image(pycdlib.PyCdlib):
    """pycdlib measures Joliet's 64 characters in bytes of UTF-8, which 14 Han characters use up; here in characters."""

    def _joliet_name_and_parent_from_path(self, joliet_path):  # type: ignore[no-untyped-def]
        folders, _, name = joliet_path.rpartition(b"/")
        encoded = name.decode("utf-8").encode("utf-16_be")
        if len(encoded) > 2 * MAX_NAME_UNITS:
            raise NameNotForDisc(f"is longer than {MAX_NAME_UNITS} characters")
        return encoded, self._find_joliet_record(folders or b"/")


class SourceFile(io.RawIOBase):
    """A source as the seekable file that pycdlib wants. Reading raises `OSError` when bytes are missing."""

    def __init__(self, source: ReadAt) -> None:
        """The source stays the caller's."""
        super().__init__()
        self._source, self._position = source, 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._source.size_bytes}[whence]
        self._position = origin + offset
        return self._position

    def tell(self) -> int:
        """The position."""
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Exactly `size` bytes, fewer only at the end."""
        left = max(0, self._source.size_bytes - self._position)
        length = left if size < 0 else min(size, left)
        data = self._source.read_at(self._position, length)
        if len(data) < length:  # pycdlib would leave a hole instead
            raise OSError(f"{length} bytes were announced, {len(data)} came")
        self._position += length
        return data


@dataclass(frozen=True, kw_only=True, slots=True)
class ImagePlan:
    """An image without the file that is on it: the bytes before the file's, their number, and the bytes behind."""

    head: bytes
    payload_bytes: int
    tail: bytes

    @property
    def image_bytes(self) -> int:
        """Of the whole image."""
        return len(self.head) + self.payload_bytes + len(self.tail)


def plan_image(size_bytes: int, *, file_name: str, label: str, at: datetime) -> ImagePlan:
    """The image of a disc with one file of that size alone on it.

    `label` is ASCII, at most 16 characters; `at` (aware) becomes every time on the disc. Raises `NameNotForDisc`, and
    `ValueError` for a label that does not fit.
    """
    if not label.isascii() or not 0 < len(label) <= MAX_LABEL_CHARACTERS:
        raise ValueError(f"a disc label has 1 to {MAX_LABEL_CHARACTERS} ASCII characters")
    name = disc_file_name(file_name)
    seed = zlib.crc32(f"{name}\0{size_bytes}\0{label}".encode())
    image, skeleton = _Image(), _Skeleton()
    with _fixed(at, seed):
        image.new(interchange_level=3, joliet=3, udf="2.60", vol_ident=label, app_ident_str="SHENBAO")
        blank = cast("BinaryIO", _Blank(size_bytes))
        image.add_fp(blank, size_bytes, _PLAIN_PATH, joliet_path=f"/{name}", udf_path=f"/{name}")
        image.write_fp(cast("BinaryIO", skeleton), blocksize=_BLOCK_BYTES)
        image.close()
    return skeleton.plan(size_bytes)


class _Blank(io.RawIOBase):
    """A file of a length, of whose bytes pycdlib hands on what `_Skeleton` knows again."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__()
        self._left = self._size_bytes = size_bytes

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._size_bytes - self._left, io.SEEK_END: self._size_bytes}[whence]
        self._left = self._size_bytes - origin - offset
        return origin + offset

    def tell(self) -> int:
        return self._size_bytes - self._left

    def read(self, size: int = -1) -> bytes:
        length = self._left if size < 0 else min(size, self._left)
        self._left -= length
        return cast("bytes", range(length))  # has a length and no bytes


class _Skeleton(io.RawIOBase):
    """Keeps everything that pycdlib writes but the file's bytes, of which it keeps the place."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[tuple[int, bytes]] = []
        self._payload_at: int | None = None
        self._position = self._end = 0

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._end}[whence] + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def write(self, data: Any) -> int:
        if isinstance(data, range):
            if self._payload_at is None:
                self._payload_at = self._position
        else:
            self._pieces.append((self._position, bytes(data)))
        self._position += len(data)
        self._end = max(self._end, self._position)
        return len(data)

    def truncate(self, size: int | None = None) -> int:
        self._end = self._position if size is None else size
        return self._end

    def plan(self, payload_bytes: int) -> ImagePlan:
        """What was written, in its place; between the pieces there are zeros."""
        begins = self._end if self._payload_at is None else self._payload_at
        behind = begins + payload_bytes
        head, tail = bytearray(begins), bytearray(self._end - behind)
        for at, piece in self._pieces:
            part, start = (head, at) if at < begins else (tail, at - behind)
            part[start : start + len(piece)] = piece
        return ImagePlan(head=bytes(head), payload_bytes=payload_bytes, tail=bytes(tail))


def read_back(image_file: BinaryIO) -> ReadBack:
    """Read every file of an image through Joliet and UDF, and hash the image itself; streams.

    Raises `ImageUnreadable`.
    """
    found = _directories(image_file)
    image_bytes, image_sha256, hashes = _hashes(image_file, {place.extent for place in found.places})
    files = (
        FileOnDisc(view=place.view, name=place.name, size_bytes=hashes[place.extent][0], sha256=hashes[place.extent][1])
        for place in found.places
    )
    return ReadBack(files=tuple(files), label=found.label, image_bytes=image_bytes, image_sha256=image_sha256)


def read_directories(plan: ImagePlan) -> Directories:
    """What the views of an image show of which only the bytes around the file are at hand.

    Raises `ImageUnreadable`.
    """
    return _directories(cast("BinaryIO", SourceFile(_Around(plan))))


class _Around:
    """The image with zeros where the file is."""

    def __init__(self, plan: ImagePlan) -> None:
        self._plan = plan
        self.size_bytes = plan.image_bytes

    def read_at(self, offset: int, length: int) -> bytes:
        behind = len(self._plan.head) + self._plan.payload_bytes
        head = self._plan.head[offset : offset + length]
        tail = self._plan.tail[max(0, offset - behind) : max(0, offset + length - behind)]
        return head + bytes(length - len(head) - len(tail)) + tail


def _directories(image_file: BinaryIO) -> Directories:
    image = pycdlib.PyCdlib()
    try:
        image.open_fp(image_file)
        label = image.pvd.volume_identifier.decode("ascii", "replace").strip()
        places = tuple(place for view in VIEWS for place in _places(image, image_file, view))
        image.close()
    except (PyCdlibException, *_LED_ASTRAY) as error:
        raise ImageUnreadable(str(error)) from error
    return Directories(label=label, places=places)


def _places(image: pycdlib.PyCdlib, image_file: BinaryIO, view: str) -> Iterator[Place]:
    key = f"{view}_path"
    for folder, _, names in image.walk(**{key: "/"}):
        for name in names:
            path = f"{folder.rstrip('/')}/{name}"
            with image.open_file_from_iso(**{key: path}) as content:  # a window on the image file, placed at its start
                extent = image_file.tell(), content.seek(0, io.SEEK_END)
            yield Place(view=view, name=path.removeprefix("/").removesuffix(";1"), extent=extent)


def _hashes(
    image_file: BinaryIO, extents: AbstractSet[tuple[int, int]]
) -> tuple[int, str, Mapping[tuple[int, int], tuple[int, str]]]:
    """(size, SHA-256) of the image, and of each extent as far as there is an image; in one pass, on two cores."""
    whole, position = hashlib.sha256(), 0
    parts = {extent: hashlib.sha256() for extent in extents}
    seen = dict.fromkeys(extents, 0)
    image_file.seek(0)
    with ThreadPoolExecutor(max_workers=1) as beside:
        while block := image_file.read(_BLOCK_BYTES):
            hashed = beside.submit(whole.update, block)
            for extent, digest in parts.items():
                start, behind = (min(max(0, each - position), len(block)) for each in (extent[0], sum(extent)))
                digest.update(memoryview(block)[start:behind])
                seen[extent] += behind - start
            hashed.result()
            position += len(block)
    return position, whole.hexdigest(), {e: (seen[e], digest.hexdigest()) for e, digest in parts.items()}


@contextmanager
def _fixed(at: datetime, seed: int) -> Iterator[None]:
    """pycdlib's own view of clock and chance stands still; nobody else's does. One image at a time, as
    even writing asks the clock."""
    clock = SimpleNamespace(
        time=at.timestamp,
        localtime=time.gmtime,
        gmtime=time.gmtime,
        strftime=time.strftime,
        strptime=time.strptime,
        struct_time=time.struct_time,
    )
    chance = SimpleNamespace(getrandbits=lambda bits: seed & ((1 << bits) - 1))
    with _one_image_lock, ExitStack() as restored:
        for module, attribute, stand_in in [*((m, "time", clock) for m in _CLOCK_READERS), (udf, "random", chance)]:
            restored.callback(setattr, module, attribute, getattr(module, attribute))
            setattr(module, attribute, stand_in)
        yield
