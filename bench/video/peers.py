"""What others do to learn how long a film is, what is in it and how large its picture is, given its address."""

import http.client
import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import av

_CACHE = Path(os.environ.get("SHENBAO_CACHE") or Path.home() / ".cache" / "shenbao") / "bin"
_COLD = "from bench.video.peers import pyav; import sys; print(pyav(sys.argv[1]))"
WINDOW_BYTES = 2**19
#: A tool → the seconds of the film, told by it.
Tool = Callable[[str], float]


class Ranged(io.RawIOBase):
    """A file at an address, read by ranges of `WINDOW_BYTES`; what was fetched last is kept."""

    def __init__(self, url: str) -> None:
        """Fetches the beginning."""
        self._parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(self._parts.netloc)
        self._position = self._begins = self._size = 0
        self._window = b""
        self._fetch(0)

    def _fetch(self, position: int) -> None:
        wanted = {"Range": f"bytes={position}-{position + WINDOW_BYTES - 1}"}
        self._connection.request("GET", f"{self._parts.path}?{self._parts.query}", headers=wanted)
        answer = self._connection.getresponse()
        self._window, self._begins = answer.read(), position
        self._size = int(answer.headers["Content-Range"].rpartition("/")[2])

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """As a file's."""
        self._position = offset + (0, self._position, self._size)[whence]
        return self._position

    def tell(self) -> int:
        """As a file's."""
        return self._position

    def read(self, size: int = -1) -> bytes:
        """As a file's; may give fewer bytes than asked for."""
        if self._position >= self._size:
            return b""
        if not self._begins <= self._position < self._begins + len(self._window):
            self._fetch(self._position)
        at = self._position - self._begins
        found = self._window[at : at + size] if size >= 0 else self._window[at:]
        self._position += len(found)
        return found

    def close(self) -> None:
        """Hang up."""
        self._connection.close()
        super().close()


def pyav(url: str) -> float:
    """PyAV on a ranged file object, told that it is an mp4."""
    with Ranged(url) as file, av.open(file, format="mov") as container:
        video = container.streams.video[0]
        if not (video.width and video.height and video.average_rate and video.duration and video.time_base):
            raise ValueError("PyAV found no picture")
        return float(video.duration * video.time_base)


def pyav_process(url: str) -> float:
    """The same in a fresh interpreter."""
    return float(_told(sys.executable, "-c", _COLD, url))


def ffprobe(url: str) -> float:
    """Of Debian."""
    shown = "stream=codec_name,width,height,r_frame_rate,duration:format=duration"
    options = ["-v", "error", "-show_entries", shown, "-of", "default=nw=1"]
    lines = _told(str(_CACHE / "ffprobe"), *options, url).splitlines()
    return max(float(line.partition("=")[2]) for line in lines if line.startswith("duration="))


def mediainfo(url: str) -> float:
    """Of Debian."""
    return float(_told(str(_CACHE / "mediainfo"), "--Inform=General;%Duration%", url)) / 1000


def _told(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout.strip()


def found(names: Mapping[str, Tool]) -> Mapping[str, Tool]:
    """Those that this machine has."""
    there = {"ffprobe": _CACHE / "ffprobe", "MediaInfo": _CACHE / "mediainfo"}
    return {name: tool for name, tool in names.items() if name not in there or there[name].exists()}


def timed(tool: Tool, url: str) -> tuple[float, float]:
    """(seconds that it took, seconds of the film)."""
    began = time.perf_counter()
    told = tool(url)
    return time.perf_counter() - began, told
