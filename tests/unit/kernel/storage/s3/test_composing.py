"""Which parts an S3 server is asked to make of bytes and excerpts."""

from hypothesis import given
from hypothesis import strategies as st

from services.kernel.storage.port import MIN_PART_BYTES, Excerpt
from services.kernel.storage.s3.composing import Sent, planned

COPY_BYTES = 12 * 2**20
SIZES = st.one_of(
    st.sampled_from([0, 1, MIN_PART_BYTES - 1, MIN_PART_BYTES, MIN_PART_BYTES + 1, COPY_BYTES, COPY_BYTES + 1, 2**32]),
    st.integers(0, 3 * COPY_BYTES),
)


class Zeros(bytes):
    """So many bytes without their memory."""

    claimed = 0

    def __len__(self) -> int:
        return self.claimed


def zeros(claimed: int) -> Zeros:
    made = Zeros()
    made.claimed = claimed
    return made


def size(piece: bytes | Excerpt) -> int:
    return len(piece) if isinstance(piece, bytes) else piece.length


@given(st.lists(st.tuples(st.booleans(), SIZES), min_size=1, max_size=6))
def test_every_part_but_the_last_is_large_enough_and_nothing_is_lost_or_turned_round(
    drawn: list[tuple[bool, int]],
) -> None:
    pieces: list[bytes | Excerpt] = [
        zeros(length) if inline else Excerpt(key=str(number), etag="e", offset=7, length=length)
        for number, (inline, length) in enumerate(drawn)
    ]
    plan = planned(pieces, COPY_BYTES)
    sizes = [sum(map(size, part.pieces)) if isinstance(part, Sent) else part.length for part in plan]
    assert all(each >= MIN_PART_BYTES for each in sizes[:-1])
    assert all(part.length <= COPY_BYTES for part in plan if isinstance(part, Excerpt))
    assert sum(sizes) == sum(map(size, pieces))
    flat = [each for part in plan for each in (part.pieces if isinstance(part, Sent) else [part])]
    for number, piece in enumerate(pieces):
        if isinstance(piece, Excerpt):
            at = 7
            for part in (each for each in flat if isinstance(each, Excerpt) and each.key == str(number)):
                assert part.offset == at
                at += part.length
            assert at == 7 + piece.length


def test_a_disc_moves_its_head_the_first_of_the_video_and_its_tail() -> None:
    """557 KB before the video, 2.7 KB behind: what is sent is one part of 5 MiB and the tail."""
    video = Excerpt(key="v", etag="e", offset=0, length=771_000_000)
    first, *copied, last = planned([bytes(557_056), video, bytes(2_702)], 512 * 2**20)
    assert isinstance(first, Sent)
    assert sum(map(size, first.pieces)) == MIN_PART_BYTES
    assert all(isinstance(part, Excerpt) for part in copied)
    assert last == Sent((bytes(2_702),))
