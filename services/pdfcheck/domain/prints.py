"""Perceptual hashes of pages: how far two are from each other, and the pieces by which near ones are found. Pure."""

#: Bits in which two scans of one page may differ; 1.2 % of pairs of other pages are as near, so each is looked at.
NEAR = 6
#: The same for pages of two dossiers: those of the whole province are compared, so only what a copy of one scan keeps
#: (signs beside a median differ in pairs, so nearly always 0 or 2). Of four pieces of 16 bits one is the same then.
NEAR_ELSEWHERE = 3
_BITS = 64
#: One more than `NEAR`: of two hashes that are near, one piece is the same. Widths in bits.
_WIDTHS = (9, 9, 9, 9, 9, 9, 10)


def number_of(print_hex: str) -> int:
    """The hash as a signed number of 64 bits, as a column holds it."""
    value = int(print_hex, 16)
    return value - (1 << _BITS) if value >> (_BITS - 1) else value


def pieces_of(print_hex: str) -> tuple[int, ...]:
    """Seven pieces, each below 1024."""
    value, pieces = int(print_hex, 16), []
    for width in _WIDTHS:
        pieces.append(value & ((1 << width) - 1))
        value >>= width
    return tuple(pieces)


def distance(one: str, other: str) -> int:
    """In how many bits two differ."""
    return (int(one, 16) ^ int(other, 16)).bit_count()
