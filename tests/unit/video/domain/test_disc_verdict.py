"""Is it the disc that was asked for?"""

from dataclasses import replace
from datetime import date

import pytest

from services.catalogue.findings import Finding
from services.catalogue.wording import word
from services.video.domain.disc_verdict import judge_disc, unreadable
from services.video.domain.readback import FileOnDisc, ReadBack, UnreadableReadBack, from_plain, to_plain
from tests.assets.video_fixtures import FILE_NAME

TODAY = date(2023, 9, 1)
JOLIET = FileOnDisc(view="joliet", name=FILE_NAME, size_bytes=5, sha256="ab" * 32)
UDF = replace(JOLIET, view="udf")


def codes(*files: FileOnDisc, sha256: str | None = None) -> list[str]:
    return [finding.code for finding in judge_disc(files, sha256=sha256, today=TODAY)]


def test_the_right_disc() -> None:
    assert codes(JOLIET, UDF) == []
    assert codes(JOLIET, UDF, sha256="AB" * 32) == []
    assert codes(replace(JOLIET, view="mount"), sha256="ab" * 32) == []


@pytest.mark.parametrize(
    "files",
    [
        (),
        (JOLIET, JOLIET, UDF, UDF),
        (JOLIET, replace(UDF, name="other.mp4")),
        (JOLIET, replace(UDF, sha256="cd" * 32)),
        (JOLIET, UDF, replace(UDF, name="second.mp4")),
    ],
)
def test_anything_else_on_it_is_found(files: tuple[FileOnDisc, ...]) -> None:
    assert codes(*files) == ["disc.not-alone"]


def test_another_video_is_found() -> None:
    assert codes(JOLIET, UDF, sha256="cd" * 32) == ["disc.wrong-file"]


def test_a_wrong_name_is_found() -> None:
    wrong = replace(JOLIET, view="mount", name="VTS_01_1.VOB")
    assert codes(wrong) == ["video.name-format"]


@pytest.mark.parametrize(
    "finding", [unreadable(), *judge_disc((), sha256=None, today=TODAY), *judge_disc((UDF,), sha256="0", today=TODAY)]
)
def test_each_has_words(finding: Finding) -> None:
    for lang in ("zh", "en"):
        wording = word(finding, lang)
        assert wording.message
        assert wording.fix


def test_a_read_back_crosses_the_border_whole() -> None:
    read = ReadBack(files=(JOLIET, UDF), label="L", image_bytes=7, image_sha256="0")
    assert from_plain(to_plain(read)) == read
    for nonsense in ({}, {**to_plain(read), "label": 3}, {**to_plain(read), "files": [{"view": 1}]}):
        with pytest.raises(UnreadableReadBack):
            from_plain(nonsense)
