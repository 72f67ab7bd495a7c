"""What the peers written for Python do, run by the interpreter of `make bench-tools` that has them.

Nothing of ours is imported here. `python peer.py LIBRARY TASK ARGUMENT…` prints seconds and CPU seconds of the task
alone, start-up apart, and the process's peak memory.
"""

import io
import json
import os
import sys
import time
from pathlib import Path


def pypdf_open(path: str) -> int:
    import pypdf

    reader = pypdf.PdfReader(path)
    return len(reader.pages) if not reader.is_encrypted else 0


def pypdf_sizes(path: str) -> int:
    import pypdf

    reader = pypdf.PdfReader(path)
    largest = 0
    for page in reader.pages:
        writer = pypdf.PdfWriter()
        writer.add_page(page)
        alone = io.BytesIO()
        writer.write(alone)
        largest = max(largest, alone.tell())
    return largest


def pypdf_merge(target: str, *parts: str) -> int:
    import pypdf

    writer = pypdf.PdfWriter()
    for part in parts:
        writer.append(part)
    writer.write(target)
    return len(writer.pages)


def pymupdf_open(path: str) -> int:
    import pymupdf

    with pymupdf.open(path) as document:
        return int(document.page_count) if not document.needs_pass else 0


def pymupdf_sizes(path: str) -> int:
    import pymupdf

    largest = 0
    with pymupdf.open(path) as document:
        for number in range(document.page_count):
            with pymupdf.open() as alone:
                alone.insert_pdf(document, from_page=number, to_page=number)
                largest = max(largest, len(alone.tobytes()))
    return largest


def pymupdf_merge(target: str, *parts: str) -> int:
    import pymupdf

    with pymupdf.open() as merged:
        for part in parts:
            with pymupdf.open(part) as document:
                merged.insert_pdf(document)
        merged.save(target)
        return int(merged.page_count)


def pymupdf_picture(path: str, width: str) -> int:
    import pymupdf

    with pymupdf.open(path) as document:
        page = document[0]
        scale = int(width) / page.rect.width
        return len(page.get_pixmap(matrix=pymupdf.Matrix(scale, scale)).tobytes("jpeg"))


def run(command: "list[str]") -> None:
    """A program from its start to its end."""
    began = time.perf_counter()
    null = os.open(os.devnull, os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, null, descriptor) for descriptor in (0, 1, 2)]
    pid = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    if status:
        sys.exit(f"{command[0]} ended with {os.waitstatus_to_exitcode(status)}")
    told = {"wall_s": time.perf_counter() - began, "cpu_s": usage.ru_utime + usage.ru_stime}
    print(json.dumps({**told, "peak_bytes": usage.ru_maxrss * 1024, "told": 0}))


def main() -> None:
    library, task, *arguments = sys.argv[1:]
    if library == "process":
        return run([task, *arguments])
    __import__(library)
    act = globals()[f"{library}_{task}"]
    wall, cpu = time.perf_counter(), time.process_time()
    told = act(*arguments)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    with Path("/proc/self/status").open() as status:  # of this program alone: `getrusage` remembers what started it
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024
    print(json.dumps({"wall_s": wall, "cpu_s": cpu, "peak_bytes": peak, "told": told}))
    return None


if __name__ == "__main__":
    main()
