"""Disc images: the video alone, under its name, in both views, the same bytes every time."""

import hashlib
import io
import os
import re
import subprocess
import time
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pycdlib
import pytest
from pycdlib import pycdlib as pycdlib_core

from services.video.domain import disc
from services.video.domain.readback import FileOnDisc, ReadBack
from services.video.tools import iso
from tests.assets.video_fixtures import FILE_NAME, ID_NUMBER
from tests.servers import needed

AT = datetime(2023, 9, 1, 4, 5, 6, tzinfo=UTC)
CONTENT = hashlib.sha256(b"video").digest() * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def built(content: bytes = CONTENT, name: str = FILE_NAME, label: str = "SHENBAO_2023", at: datetime = AT) -> bytes:
    plan = iso.plan_image(len(content), file_name=name, label=label, at=at)
    image = plan.head + content + plan.tail
    assert len(image) == plan.image_bytes
    return image


def found(image: bytes) -> ReadBack:
    return iso.read_back(io.BytesIO(image))


@pytest.mark.parametrize(
    "name", [FILE_NAME, f"买买提·艾力{ID_NUMBER}.mp4", f"𠮷田{ID_NUMBER}.mp4", f"{'张' * 42}{ID_NUMBER}.mp4"]
)
def test_both_views_show_the_video_alone_under_its_name(name: str) -> None:
    image = built(name=name)
    read = found(image)
    assert read.agrees(name=name, size_bytes=len(CONTENT), sha256=SHA256)
    assert read.label == "SHENBAO_2023"
    assert (read.image_bytes, read.image_sha256) == (len(image), hashlib.sha256(image).hexdigest())
    assert not read.agrees(name=FILE_NAME + "x", size_bytes=len(CONTENT), sha256=SHA256)


@pytest.mark.parametrize("size", [1, 2047, 2048, 2049, 300_000])
def test_sizes_around_a_sector(size: int) -> None:
    content = CONTENT[:1] * size
    image = built(content)
    assert found(image).agrees(name=FILE_NAME, size_bytes=size, sha256=hashlib.sha256(content).hexdigest())
    assert len(image) <= disc.image_bytes(size)


@pytest.fixture
def far_east() -> Iterator[None]:
    """Another time zone than that of the first image."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Asia/Shanghai"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


_HERE = built()


def test_the_same_order_gives_the_same_bytes_anywhere_and_at_any_time(far_east: None) -> None:
    assert built() == _HERE
    assert built(at=AT.replace(year=2022)) != _HERE
    assert built(label="OTHER") != _HERE


def test_pycdlib_gets_its_clock_back() -> None:
    built()
    assert vars(pycdlib_core)["time"] is time
    with pytest.raises(ValueError, match="label"):
        built(label="x" * 17)
    assert vars(pycdlib_core)["time"] is time


@pytest.mark.parametrize("label", ["", "x" * 17, "光盘"])
def test_labels_that_do_not_fit_are_refused(label: str) -> None:
    with pytest.raises(ValueError, match="label"):
        built(label=label)


@pytest.mark.parametrize("name", ["a*b.mp4", "a/b.mp4", "a;1.mp4", f"{'张' * 43}{ID_NUMBER}.mp4"])
def test_names_that_a_disc_cannot_carry_are_refused(name: str) -> None:
    with pytest.raises(disc.NameNotForDisc):
        built(name=name)


@pytest.mark.parametrize("size", [1, 2048, 300_001])
def test_the_plan_is_what_pycdlib_writes_around_the_video(size: int) -> None:
    content = (CONTENT * (size // len(CONTENT) + 1))[:size]
    image, out = iso._Image(), io.BytesIO()
    seed = zlib.crc32(f"{FILE_NAME}\0{size}\0SHENBAO_2023".encode())
    with iso._fixed(AT, seed):
        image.new(interchange_level=3, joliet=3, udf="2.60", vol_ident="SHENBAO_2023", app_ident_str="SHENBAO")
        path = f"/{FILE_NAME}"
        image.add_fp(io.BytesIO(content), size, "/VIDEO.MP4;1", joliet_path=path, udf_path=path)
        image.write_fp(out)
    assert built(content) == out.getvalue()


def test_a_changed_byte_of_the_video_is_seen() -> None:
    image = bytearray(_HERE)
    image[image.index(CONTENT[:64]) + 5] ^= 1
    assert not found(bytes(image)).agrees(name=FILE_NAME, size_bytes=len(CONTENT), sha256=SHA256)


def test_a_second_file_is_seen() -> None:
    image = pycdlib.PyCdlib()
    image.new(interchange_level=3, joliet=3, udf="2.60")
    for number, name in enumerate(("a.mp4", "b.mp4")):
        image.add_fp(io.BytesIO(b"x"), 1, f"/F{number}.;1", joliet_path=f"/{name}", udf_path=f"/{name}")
    image.add_directory("/D", joliet_path="/folder", udf_path="/folder")
    image.add_fp(io.BytesIO(b"y"), 1, "/D/G.;1", joliet_path="/folder/c.mp4", udf_path="/folder/c.mp4")
    out = io.BytesIO()
    image.write_fp(out)
    names = [(file.view, file.name) for file in found(out.getvalue()).files]
    everything = ["a.mp4", "b.mp4", "folder/c.mp4"]
    assert sorted(names) == [("joliet", name) for name in everything] + [("udf", name) for name in everything]


@pytest.mark.parametrize("image", [b"", bytes(100_000), _HERE[:40_000], _HERE[:300_000]])
def test_what_is_no_image_is_unreadable(image: bytes) -> None:
    with pytest.raises(iso.ImageUnreadable):
        found(image)


def test_a_plan_is_small_however_large_the_video() -> None:
    """Beyond 4 GiB as well; the bytes are never asked for."""
    size = 2**32 + 2**20
    plan = iso.plan_image(size, file_name=FILE_NAME, label="L", at=AT)
    assert plan.payload_bytes == size < plan.image_bytes <= disc.image_bytes(size)
    assert len(plan.head) + len(plan.tail) < 2**20
    assert len(plan.head) % 4096 == 0  # so that a file system can share the blocks


@pytest.mark.parametrize("view", ["iso", "udf"])
def test_seven_zip_reads_the_same_file_from_both_views(tmp_path: Path, view: str) -> None:
    image = tmp_path / "disc.iso"
    image.write_bytes(_HERE)
    out = tmp_path / "out"
    subprocess.run(
        [needed("7z"), "x", f"-t{view}", f"-o{out}", str(image)], check=True, capture_output=True, timeout=60,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert [path.name for path in out.iterdir()] == [FILE_NAME]
    assert hashlib.sha256((out / FILE_NAME).read_bytes()).hexdigest() == SHA256


def test_agreeing_means_exactly_both_views() -> None:
    one = FileOnDisc(view="joliet", name="a", size_bytes=1, sha256="0")
    read = ReadBack(files=(one,), label="L", image_bytes=1, image_sha256="0")
    assert not read.agrees(name="a", size_bytes=1, sha256="0")


def huge(path: Path, size_bytes: int) -> iso.ImagePlan:
    """The image of a video that is a hole, and so is its place: nothing of it is written."""
    plan = iso.plan_image(size_bytes, file_name=FILE_NAME, label="SHENBAO_2023", at=AT)
    with path.open("wb") as image:
        image.write(plan.head)
        image.seek(size_bytes, io.SEEK_CUR)
        image.write(plan.tail)
    return plan


def test_the_views_of_a_disc_are_read_from_what_stands_around_the_video(tmp_path: Path) -> None:
    """4.5 GB, beyond 32 bits."""
    plan = huge(tmp_path / "disc.iso", 4_500_000_000)
    read = iso.read_directories(plan)
    assert read.agree(label="SHENBAO_2023", name=FILE_NAME, extent=(len(plan.head), 4_500_000_000))
    assert not read.agree(label="SHENBAO_2024", name=FILE_NAME, extent=(len(plan.head), 4_500_000_000))
    assert not read.agree(label="SHENBAO_2023", name=FILE_NAME, extent=(len(plan.head) + 2048, 4_500_000_000))


@pytest.mark.parametrize("view", ["iso", "udf"])
def test_seven_zip_lists_a_video_of_4_5_gb_in_every_view(tmp_path: Path, view: str) -> None:
    """ISO 9660 is asked by Joliet's names."""
    huge(tmp_path / "disc.iso", 4_500_000_000)
    listed = subprocess.run(
        [needed("7z"), "l", "-slt", f"-t{view}", str(tmp_path / "disc.iso")], capture_output=True, text=True,
        check=True, env={**os.environ, "LC_ALL": "C.UTF-8"},
    ).stdout  # fmt: skip
    assert listed.count("Folder = -") == 1
    assert f"Path = {FILE_NAME}" in listed
    assert "Size = 4500000000" in listed


def told_by_libcdio(image: Path, *options: str) -> list[tuple[int, int, str]]:
    """(first sector, size, name) of the extents of files, by a reader that shares no line with ours."""
    command = [str(needed("iso-info")), "--no-header", "-l", *options, "-i", str(image)]
    listed = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "LC_ALL": "C.UTF-8"}
    )
    found = re.findall(r"^ +- \[LSN +(\d+)\] +(\d+) .* (\S+)$", listed.stdout, re.MULTILINE)
    return [(int(sector), int(size), name) for sector, size, name in found]


@pytest.mark.parametrize(("options", "name"), [([], FILE_NAME), (["--no-joliet"], "video.mp4")])
def test_libcdio_finds_a_video_of_4_5_gb_in_extents_that_follow_each_other(
    tmp_path: Path, options: list[str], name: str
) -> None:
    """ISO 9660 by Joliet's names, and by its own."""
    plan = huge(tmp_path / "disc.iso", 4_500_000_000)
    extents = told_by_libcdio(tmp_path / "disc.iso", *options)
    assert {each[2] for each in extents} == {name}
    at = len(plan.head)
    for sector, size, _ in extents:
        assert sector * 2048 == at
        at += size
    assert at == len(plan.head) + 4_500_000_000


def test_libcdio_reads_the_file_by_udf(tmp_path: Path) -> None:
    image, out = tmp_path / "disc.iso", tmp_path / "out.mp4"
    image.write_bytes(_HERE)
    command = [str(needed("iso-read")), "--no-header", "--udf", "-i", str(image), "-e", FILE_NAME, "-o", str(out)]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    assert hashlib.sha256(out.read_bytes()).hexdigest() == SHA256
