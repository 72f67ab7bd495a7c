"""The images: from a tag, without root and secrets, from files that are there and reach the builder."""

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.unit.deploy.compose import FOLDER, services

ROOT = Path(__file__).parents[3]
FILES = (ROOT / "services" / "Dockerfile", FOLDER / "objects.Dockerfile")


def instructions(path: Path) -> Iterator[Sequence[str]]:
    """Words of every instruction, continued lines joined."""
    text = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", path.read_text("utf-8"), flags=re.MULTILINE))
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _, rest = line.partition(" ")
        yield [name, *(shlex.split(rest) if name == "COPY" else [rest])]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_starts_from_a_tag_and_ends_without_root(path: Path) -> None:
    found = list(instructions(path))
    tagged = dict(each[1].partition("=")[::2] for each in found if each[0] == "ARG")
    for _, base in (each for each in found if each[0] == "FROM"):
        image = re.sub(r"\$\{(\w+)\}", lambda name: tagged[name[1]], base).partition(" ")[0]
        assert re.fullmatch(r"[\w./-]+:v?\d[\w.-]*", image), image
    assert [each[1] for each in found if each[0] == "USER"] == ["10001:10001"]
    assert not re.search(r"(?i)password|secret|token|api_?key|index-url|https?://", path.read_text("utf-8"))


def test_what_is_copied_is_there_and_reaches_the_builder() -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    sent = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = {
        source.rstrip("/")
        for name, *words in instructions(FILES[0])
        if name == "COPY" and not words[0].startswith("--from")
        for source in words[:-1]
    }
    assert copied == sent
    assert all((ROOT / source).exists() for source in copied)
    assert "*" in ignored


def test_only_pinned_packages_are_installed() -> None:
    installing = [each[1] for each in instructions(FILES[0]) if each[0] == "RUN" and "pip install" in each[1]]
    commands = [command for line in installing for command in line.split("&&") if "pip install" in command]
    assert len(commands) == 3
    assert all("--require-hashes --only-binary :all:" in each or "--no-deps --no-index" in each for each in commands)


@pytest.mark.parametrize("name", [name for name, service in services().items() if "build" in service])
def test_a_build_has_its_file_and_what_the_file_asks_for(name: str) -> None:
    build = services()[name]["build"]
    context = (FOLDER / build["context"]).resolve()
    assert context / build["dockerfile"] in FILES
    if build["dockerfile"] == "services/Dockerfile":
        assert (ROOT / "services" / build["args"]["SERVICE"] / "__main__.py").exists()
    assert services()[name]["pull_policy"] == "build"
