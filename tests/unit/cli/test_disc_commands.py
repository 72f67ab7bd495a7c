"""`shenbao disc` checks first, writes the whole image or nothing, and knows the right disc from others."""

import hashlib
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.cli.disc_commands import app
from tests.assets import video_fixtures as videos
from tests.assets.video_fixtures import FILE_NAME


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / FILE_NAME
    path.write_bytes(videos.lasting(120_050))
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_image_holds_the_untouched_video(video: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.iso"
    done = run(video, "-o", out, "--json")
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert told["verdict"] == "pass"
    assert told["image"]["path"] == str(out)
    assert told["image"]["sha256"] == sha256(out)
    assert (told["image"]["file"], told["image"]["file_sha256"]) == (FILE_NAME, sha256(video))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.iso", FILE_NAME]


def test_the_same_video_gives_the_same_image(video: Path, tmp_path: Path) -> None:
    for name in ("one.iso", "two.iso"):
        assert run(video, "-o", tmp_path / name).exit_code == 0
    assert sha256(tmp_path / "one.iso") == sha256(tmp_path / "two.iso")


def test_the_name_on_the_disc_is_the_normal_one(video: Path, tmp_path: Path) -> None:
    shouted = video.rename(tmp_path / FILE_NAME.replace(".mp4", ".MP4"))
    told = json.loads(run("--json", shouted, "-o", tmp_path / "out.iso").stdout)
    assert told["image"]["file"] == FILE_NAME


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        (FILE_NAME, videos.lasting(120_054), "video.too-long"),
        (FILE_NAME, b"", "file.empty"),
        ("手术.mp4", videos.lasting(100), "video.name-format"),
    ],
)
def test_a_blocking_finding_writes_nothing(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    (tmp_path / name).write_bytes(content)
    done = run(tmp_path / name, "-o", tmp_path / "out.iso", "--json")
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert (told["verdict"], told["image"]) == ("fail", None)
    assert [finding["code"] for finding in told["video"]["findings"]] == [code]
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_for_people_it_says_what_to_write_on_the_face(video: Path, tmp_path: Path) -> None:
    done = run(video, "-o", tmp_path / "out.iso")
    assert done.exit_code == 0
    assert "张三手术视频光盘" in done.stdout
    assert sha256(video) in done.stdout


def test_wrong_usage_ends_with_2(video: Path, tmp_path: Path) -> None:
    assert run(tmp_path / "none.mp4", "-o", tmp_path / "out.iso").exit_code == 2
    assert run(video, "-o", tmp_path / "no" / "out.iso").exit_code == 2
    assert run(video, "-o", video).exit_code == 2
    assert run(video).exit_code == 2
    assert run("verify", tmp_path / "none.iso").exit_code == 2
    assert run("verify", video, "--sha256", "abc").exit_code == 2


def test_verify_knows_the_disc(video: Path, tmp_path: Path) -> None:
    image = tmp_path / "out.iso"
    assert run(video, "-o", image).exit_code == 0
    right = run("verify", image, "--sha256", sha256(video), "--json")
    assert right.exit_code == 0
    told = json.loads(right.stdout)
    assert (told["verdict"], told["file"], told["file_sha256"]) == ("pass", FILE_NAME, sha256(video))
    assert [file["view"] for file in told["files"]] == ["joliet", "udf"]
    wrong = json.loads(run("verify", image, "--sha256", "0" * 64, "--json").stdout)
    assert [finding["code"] for finding in wrong["findings"]] == ["disc.wrong-file"]


def test_verify_refuses_what_is_no_image(video: Path) -> None:
    done = run("verify", video, "--json")
    assert done.exit_code == 1
    assert [finding["code"] for finding in json.loads(done.stdout)["findings"]] == ["disc.unreadable"]


def test_verify_reads_a_mounted_disc(video: Path, tmp_path: Path) -> None:
    mount = tmp_path / "mount"
    mount.mkdir()
    video.rename(mount / FILE_NAME)
    assert run("verify", mount, "--sha256", sha256(mount / FILE_NAME)).exit_code == 0
    (mount / "VIDEO_TS").mkdir()
    (mount / "VIDEO_TS" / "x.vob").write_bytes(b"x")
    done = run("verify", mount, "--json", "--lang", "en")
    assert done.exit_code == 1
    (finding,) = json.loads(done.stdout)["findings"]
    assert (finding["code"], finding["measured"]) == ("disc.not-alone", 2)


def test_the_face_is_written_beside_the_image(video: Path, tmp_path: Path) -> None:
    """M15-2g: `姓名手术视频光盘`."""
    told = run(video, "-o", tmp_path / "out.iso", "--label", tmp_path / "face.pdf", "--json")
    assert told.exit_code == 0
    assert json.loads(told.stdout)["face"] == str(tmp_path / "face.pdf")
    assert (tmp_path / "face.pdf").read_bytes().startswith(b"%PDF")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["face.pdf", "out.iso", FILE_NAME]
    assert "face.pdf" in run(video, "-o", tmp_path / "out.iso", "--label", tmp_path / "face.pdf").stdout


def test_no_image_no_face(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(b"")
    told = run(path, "-o", tmp_path / "out.iso", "--label", tmp_path / "face.pdf", "--json")
    assert told.exit_code == 1
    assert json.loads(told.stdout)["face"] is None
    assert [each.name for each in tmp_path.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize("label", ["out.iso", FILE_NAME, "nowhere/face.pdf"])
def test_a_face_over_the_image_or_nowhere_is_refused(video: Path, tmp_path: Path, label: str) -> None:
    (tmp_path / "out.iso").write_bytes(b"before")
    assert run(video, "-o", tmp_path / "out.iso", "--label", tmp_path / label).exit_code == 2
    assert (tmp_path / "out.iso").read_bytes() == b"before"
