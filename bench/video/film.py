"""A film of 20 minutes for measuring: 1080p at 25 frames a second with sound, its index behind the frames."""

import subprocess
from pathlib import Path

import imageio_ffmpeg

#: A piece of at most so many seconds is coded once and repeated without coding it again.
PIECE_S = 20
KBIT_PER_S = 5_100


def film(folder: Path, seconds: int) -> Path:
    """About 0.64 MB per second."""
    piece, whole = folder / "piece.mp4", folder / "film.mp4"
    length = min(seconds, PIECE_S)
    noise = f"testsrc2=s=1920x1080:r=25:d={length},noise=alls=8:allf=t"
    rate = f"{KBIT_PER_S}k"
    _ffmpeg(
        "-f", "lavfi", "-i", noise, "-f", "lavfi", "-i", f"sine=d={length}",
        "-c:v", "libx264", "-preset", "ultrafast", "-bf", "3", "-pix_fmt", "yuv420p",
        "-b:v", rate, "-minrate", rate, "-maxrate", rate, "-bufsize", rate, "-nal-hrd", "cbr", "-c:a", "aac",
        str(piece),
    )  # fmt: skip
    times = -(-seconds // length) - 1
    _ffmpeg("-stream_loop", str(times), "-i", str(piece), "-map", "0", "-c", "copy", str(whole))
    piece.unlink()
    return whole


def _ffmpeg(*arguments: str) -> None:
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *arguments], check=True)
