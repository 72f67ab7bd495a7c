"""Makes the heap ready for being forked: room at one end of it.

Libraries that were imported leave holes between their blocks. A child's blocks would go there, each to a page that it
shares with the zygote and must copy for it; a document of twenty pages took a hundred and fifty such pages, and half of
the time in which it was parsed. With the holes taken, blocks stand side by side on pages that are new.

In a sandbox for short tasks the interpreter has its objects there as well (`PYTHONMALLOC`): its own arenas have holes
that nobody can take.
"""

import ctypes
import itertools
import platform

#: What parsers mostly ask for, and some larger blocks.
_SIZES_BYTES = (*range(16, 1040, 16), 2000, 4000, 8000, 16_000, 32_000)
#: So many blocks of a size in a row, each right behind the one before: there are no holes of it left. Fewer of the
#: large ones would do for a short task; a merge takes half as long again.
_IN_A_ROW = 40
#: Of one size; more would be a waste.
_MOST_BLOCKS = 20_000
_BLOCK_HEAD_BYTES = 64
_M_TOP_PAD = -2
_ROOM_BYTES = 4 * 2**20


def take_holes() -> None:
    """Takes some megabytes for good. For the C library that is known to work so; elsewhere nothing happens."""
    if platform.libc_ver()[0] != "glibc":
        return
    library = ctypes.CDLL(None)
    library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, (ctypes.c_size_t,)
    library.mallopt(_M_TOP_PAD, _ROOM_BYTES)
    for size in _SIZES_BYTES:
        blocks = (library.malloc(size) or 0 for _ in range(_MOST_BLOCKS))
        in_a_row = 0
        for before, block in itertools.pairwise(blocks):
            in_a_row = in_a_row + 1 if 0 < block - before < size + _BLOCK_HEAD_BYTES else 0
            if in_a_row == _IN_A_ROW:
                break
