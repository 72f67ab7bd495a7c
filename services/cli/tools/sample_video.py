"""A short H.264 mp4 with a Chinese title card and sound, made by the ffmpeg of the wheel."""

from pathlib import Path

import imageio_ffmpeg

from services.cli.tools.sample_pictures import title_card
from services.kernel.sandbox.program import run_program


def surgery_video(lines: tuple[str, ...], scratch: Path, target: Path, *, seconds: int = 24) -> None:
    """Four seconds of title card, then a moving picture. Raises `ProgramFailed`."""
    card = scratch / "card.png"
    title_card(lines, card)
    film = f"testsrc2=size=1280x720:rate=25:duration={seconds - 4}"
    run_program(
        [
            imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error",
            "-loop", "1", "-framerate", "25", "-t", "4", "-i", str(card),
            "-f", "lavfi", "-i", film,
            "-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}",
            "-filter_complex", "[0:v]format=yuv420p,setsar=1[a];[1:v]format=yuv420p,setsar=1[b];[a][b]concat=n=2[v]",
            "-map", "[v]", "-map", "2:a", "-c:v", "libx264", "-preset", "ultrafast", "-b:v", "6M", "-bf", "2",
            "-c:a", "aac", "-shortest", str(target),
        ],
        wall_s=120,
    )  # fmt: skip
