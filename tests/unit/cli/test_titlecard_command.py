"""`shenbao titlecard` writes a compliant opening, says what it is, and refuses clearly."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from services.cli.titlecard_command import titlecard
from tests.assets import video_fixtures

PROFILE = Path(__file__).parents[2] / "assets" / "profile-surgeon.yaml"
app = typer.Typer()
app.command()(titlecard)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_it_puts_the_card_in_front_and_reads_it_again(tmp_path: Path) -> None:
    video = video_fixtures.real_mp4(tmp_path / "v.mp4", seconds=2)
    done = run(PROFILE, video, "-o", tmp_path / "out.mp4", "--seconds", "2", "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert set(told["opening"].values()) == {"found"}
    assert told["duration_s"] == pytest.approx(2 + told["card_s"], abs=0.1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.mp4", "v.mp4"]


def test_a_result_that_is_too_long_is_written_and_warned_about(tmp_path: Path) -> None:
    """M15-2d: 1,199 s of one picture and a card of 5 s."""
    video = tmp_path / "v.mp4"
    video_fixtures.ffmpeg(
        "-f", "lavfi", "-i", "color=s=320x240:r=1:d=1199", "-c:v", "libx264", "-preset", "ultrafast", str(video)
    )
    done = run(PROFILE, video, "-o", tmp_path / "out.mp4")
    assert done.exit_code == 1, done.output
    assert "video.too-long" in done.stdout
    assert (tmp_path / "out.mp4").exists()


def test_what_the_profile_lacks_is_said_and_nothing_is_written(tmp_path: Path) -> None:
    profile = tmp_path / "p.yaml"
    text = PROFILE.read_text("utf-8")
    profile.write_text("\n".join(line for line in text.splitlines() if "operation" not in line), "utf-8")
    done = run(profile, "-o", tmp_path / "out.mp4")
    assert done.exit_code == 2
    assert "手术名称" in done.output or "surgery_video" in done.output
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize("output", ["p.yaml", "nowhere/out.mp4"])
def test_wrong_usage_ends_with_2(tmp_path: Path, output: str) -> None:
    profile = tmp_path / "p.yaml"
    profile.write_bytes(PROFILE.read_bytes())
    assert run(profile, "-o", tmp_path / output).exit_code == 2
    assert run(profile, tmp_path / "missing.mp4", "-o", tmp_path / "out.mp4").exit_code == 2
