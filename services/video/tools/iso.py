"""Data-DVD images by pycdlib: ISO 9660, Joliet and UDF over one copy of the untouched mp4, built and read back.

The same file, name, label and time give the same bytes: pycdlib's clock and random numbers are fixed while it lays
out the image, and times are written in UTC. Memory does not grow with the file.
"""

import hashlib
import io
import struct
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from types import SimpleNamespace
from typing import BinaryIO, cast

import pycdlib
from pycdlib import dates, headervd, udf, utils
from pycdlib import pycdlib as pycdlib_core
from pycdlib.pycdlibexception import PyCdlibException

from services.video.domain.bmff.source import ReadAt
from services.video.domain.disc import MAX_LABEL_CHARACTERS, MAX_NAME_UNITS, NameNotForDisc, disc_file_name
from services.video.domain.readback import VIEWS, FileOnDisc, ReadBack

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

Progress = Callable[[int, int], None]


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


def build_image(
    source: ReadAt, out: BinaryIO, *, file_name: str, label: str, at: datetime, progress: Progress | None = None
) -> None:
    """Write the image of a disc with `source` alone on it to `out`, an empty seekable file.

    `label` is ASCII, at most 16 characters; `at` (aware) becomes every time on the disc. `progress` gets bytes done
    and in all. Raises `NameNotForDisc`, `ValueError` for a label that does not fit, and what reading raises.
    """
    if not label.isascii() or not 0 < len(label) <= MAX_LABEL_CHARACTERS:
        raise ValueError(f"a disc label has 1 to {MAX_LABEL_CHARACTERS} ASCII characters")
    name = disc_file_name(file_name)
    tell = progress or _silent
    seed = zlib.crc32(f"{name}\0{source.size_bytes}\0{label}".encode())
    image = _Image()
    content = cast("BinaryIO", SourceFile(source))
    with _fixed(at, seed):
        image.new(interchange_level=3, joliet=3, udf="2.60", vol_ident=label, app_ident_str="SHENBAO")
        image.add_fp(content, source.size_bytes, _PLAIN_PATH, joliet_path=f"/{name}", udf_path=f"/{name}")
        image.write_fp(out, blocksize=_BLOCK_BYTES, progress_cb=lambda done, whole, _: tell(done, whole))
        image.close()


def _silent(_done: int, _whole: int) -> None:
    """Nobody wants to know."""


def read_back(image_file: BinaryIO) -> ReadBack:
    """Read every file of an image through Joliet and UDF, and hash the image itself; streams.

    Raises `ImageUnreadable`.
    """
    image = pycdlib.PyCdlib()
    try:
        image.open_fp(image_file)
        label = image.pvd.volume_identifier.decode("ascii", "replace").strip()
        files = tuple(found for view in VIEWS for found in _files(image, view))
        image.close()
    except (PyCdlibException, *_LED_ASTRAY) as error:
        raise ImageUnreadable(str(error)) from error
    image_file.seek(0)
    size, sha256 = _hash(image_file)
    return ReadBack(files=files, label=label, image_bytes=size, image_sha256=sha256)


def _files(image: pycdlib.PyCdlib, view: str) -> Iterator[FileOnDisc]:
    key = f"{view}_path"
    for folder, _, names in image.walk(**{key: "/"}):
        for name in names:
            path = f"{folder.rstrip('/')}/{name}"
            with image.open_file_from_iso(**{key: path}) as content:
                size, sha256 = _hash(content)
            yield FileOnDisc(view=view, name=path.removeprefix("/").removesuffix(";1"), size_bytes=size, sha256=sha256)


def _hash(stream: BinaryIO) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    while block := stream.read(_BLOCK_BYTES):
        digest.update(block)
        size += len(block)
    return size, digest.hexdigest()


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
