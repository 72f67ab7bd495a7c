"""A few of what `make fuzz` and `make fuzz-pdf` do by the thousand."""

import io
from pathlib import Path

from services.pdfcheck.domain.facts import Health
from services.pdfcheck.tools.inspect import facts_of
from tests.fuzz import documents
from tests.fuzz.__main__ import fuzz, fuzz_stages
from tests.fuzz.document_mutations import beginnings as beginnings_of_documents
from tests.fuzz.mutations import beginnings, boxes

FILES = 300


async def test_broken_videos_end_in_verdicts(tmp_path: Path) -> None:
    tally = await fuzz(1, FILES, beginnings(tmp_path), None)
    assert tally.failed == {}
    assert tally.ended.total() == FILES
    assert tally.ended["out of resources"] == 0
    # They get far enough to say something: neither all whole nor all refused at the door.
    assert {"pass", "video.damaged", "video.truncated"} <= tally.ended.keys()


def test_the_beginnings_are_whole_and_every_box_of_them_can_be_changed(tmp_path: Path) -> None:
    for data in beginnings(tmp_path):
        kinds = {data[offset + 4 : offset + 8] for offset, _ in boxes(data)}
        assert {b"ftyp", b"moov", b"trak", b"stbl", b"stsz"} <= kinds


async def test_broken_films_go_through_every_stage(tmp_path: Path) -> None:
    tally = await fuzz_stages(1, 5, tmp_path, None)
    assert tally.failed == {}
    assert tally.ended["disc: built"] == 5
    assert tally.ended["titlecard: put in front"] + tally.ended["titlecard: titlecard.not-possible"] == 5
    assert {"opening: read", "opening: nothing to read", "poster: drawn", "proxy: copied"} <= tally.ended.keys()


async def test_broken_documents_end_in_findings(tmp_path: Path) -> None:
    judged, fully = await documents.fuzz(1, 200, 20, tmp_path, None)
    assert judged.failed == fully.failed == {}
    assert (judged.ended.total(), fully.ended.total()) == (180, 20)
    # They get far enough to say something: neither all whole nor all refused at the door.
    assert {"nothing", "pdf.damaged", "pdf.repaired", "image.damaged"} <= judged.ended.keys()
    assert any("merge=merged" in each for each in fully.ended)


def test_the_documents_that_are_spoilt_are_whole_before() -> None:
    healths = [facts_of(io.BytesIO(each), 5 * 2**20).health for each in beginnings_of_documents()]
    assert healths.count(Health.SOUND) >= 25
    assert set(healths) <= {Health.SOUND, Health.LOCKED, Health.REPAIRED}
