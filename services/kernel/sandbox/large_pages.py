"""Gathers what a zygote shares with its children on pages of 2 MiB, where the kernel can (Linux 6.1 and later).

A fork copies an entry for each page, an end removes one. And a child asks for the pages of its libraries one by one,
which for a task of milliseconds is a fifth of all that it asks for: those are mapped from files, and a fork does not
copy them. On a large page that is no file's they are there from the start.
"""

import ctypes
import mmap
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_PAGE_BYTES = 2 * 2**20
_MADV_COLLAPSE = 25
_MREMAP_TO_THERE = 3  # MREMAP_MAYMOVE | MREMAP_FIXED
_FAILED = ctypes.c_void_p(-1).value
#: A zygote with more than this in its libraries has tasks that take long, which would not be seen to be faster.
_MOST_PROGRAM_BYTES = 16 * 2**20


class _Mapping(NamedTuple):
    start: int
    end: int
    rights: str
    #: None if it is no file's.
    file: str | None


class _Block(NamedTuple):
    """What of a mapping is whole large pages."""

    address: int
    length: int


def gather() -> None:
    """What is written, and the program itself. A kernel that cannot, or was told not to, leaves everything as it is."""
    if sys.platform != "linux":
        return
    library = _library()
    mappings = list(_mappings())
    for each in mappings:
        if each.rights == "rw-p" and each.file is None:
            block = _whole_pages(each)
            if block.length:
                library.madvise(block.address, block.length, _MADV_COLLAPSE)
    blocks = [block for each in _programs(mappings) if (block := _whole_pages(each)).length]
    if sum(block.length for block in blocks) <= _MOST_PROGRAM_BYTES:
        for block in blocks:
            _replace(library, block)


def _mappings() -> Iterator[_Mapping]:
    for line in Path("/proc/self/maps").read_text("utf-8").splitlines():
        bounds, rights, _offset, _device, inode, name = [*line.split(maxsplit=5), ""][:6]
        start, end = (int(bound, 16) for bound in bounds.split("-"))
        if inode != "0" or name in ("", "[heap]"):
            yield _Mapping(start, end, rights, None if inode == "0" else name)


def _programs(mappings: list[_Mapping]) -> Iterator[_Mapping]:
    """Libraries, the interpreter among them: their code with what they only read beside it, as one."""
    run: _Mapping | None = None
    for each in [*mappings, _Mapping(0, 0, "", None)]:
        if run is not None and (each.start, each.file) == (run.end, run.file) and each.rights in ("r--p", "r-xp"):
            run = run._replace(end=each.end, rights=max(run.rights, each.rights))
            continue
        if run is not None and run.rights == "r-xp":
            yield run
        run = each if each.file is not None and each.rights in ("r--p", "r-xp") else None


def _whole_pages(mapping: _Mapping) -> _Block:
    first = -(-mapping.start // _PAGE_BYTES) * _PAGE_BYTES
    return _Block(first, max(0, mapping.end // _PAGE_BYTES * _PAGE_BYTES - first))


def _replace(library: ctypes.CDLL, block: _Block) -> None:
    """Put a copy in the block's place, which is what runs from then on; its constants may be executed, too."""
    rights, private = mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    made = library.mmap(None, block.length + _PAGE_BYTES, rights, private, -1, 0)
    if made == _FAILED:
        return
    copy = -(-made // _PAGE_BYTES) * _PAGE_BYTES
    for start, end in ((made, copy), (copy + block.length, made + block.length + _PAGE_BYTES)):
        if start < end:
            library.munmap(start, end - start)
    ctypes.memmove(copy, block.address, block.length)
    moved = (
        library.madvise(copy, block.length, _MADV_COLLAPSE) == 0
        and library.mprotect(copy, block.length, mmap.PROT_READ | mmap.PROT_EXEC) == 0
        and library.mremap(copy, block.length, block.length, _MREMAP_TO_THERE, block.address) == block.address
    )
    if not moved:
        library.munmap(copy, block.length)


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(None)
    address, size, number = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    library.mmap.restype = library.mremap.restype = address
    library.mmap.argtypes = (address, size, number, number, number, ctypes.c_long)
    library.mremap.argtypes = (address, size, size, number, address)
    for function in (library.mprotect, library.madvise):
        function.argtypes = (address, size, number)
    library.munmap.argtypes = (address, size)
    return library
