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
#: So many blocks of a size in a row, each right behind the one before: there are no holes of it left.
_IN_A_ROW = 40
#: Of one size; more would be a waste.
_MOST_BLOCKS = 20_000
_BLOCK_HEAD_BYTES = 64
_M_TOP_PAD, _M_MMAP_THRESHOLD = -2, -3
_ROOM_BYTES = 4 * 2**20
#: The C library maps blocks of more than 128 KiB, anew each time and page by page. It would learn to begin at larger
#: ones, were it not told of the room: a merge of pictures took half as long again, or twice as long, as the room that
#: was left happened to be. So large is a picture of a page at most (G-07); what is drawn is larger, and better mapped.
#: A short task has few such blocks.
_MAPPED_BYTES = 5 * 2**20


def take_holes(*, short: bool) -> None:
    """Takes some megabytes for good; `short`: for short tasks. For the C library that is known to work so; elsewhere
    nothing happens.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    library = ctypes.CDLL(None)
    library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, (ctypes.c_size_t,)
    library.mallopt(_M_TOP_PAD, _ROOM_BYTES)
    if not short:
        library.mallopt(_M_MMAP_THRESHOLD, _MAPPED_BYTES)
    for size in _SIZES_BYTES:
        blocks = (library.malloc(size) or 0 for _ in range(_MOST_BLOCKS))
        in_a_row = 0
        for before, block in itertools.pairwise(blocks):
            in_a_row = in_a_row + 1 if 0 < block - before < size + _BLOCK_HEAD_BYTES else 0
            if in_a_row == _IN_A_ROW:
                break
