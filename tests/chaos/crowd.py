"""Several people at once, each as patient as a browser: what fails is tried again, what is done is passed over."""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import httpx

from services.cli.demo.client import Client, Data, DemoFailed
from tests.small_dossier import COMPONENTS, another, confirm, forward, materials, owed, submit

DEADLINE_S = 240.0
_PAUSE_S = 0.5
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class Applicant:
    """Who applies, who signs first, and what is owed."""

    login: str
    unit: str
    profile: Data

    def files(self, folder: Path) -> Mapping[str, Path]:
        """Item → scan, of pages of one's own."""
        own = folder / self.login
        own.mkdir(exist_ok=True)
        return owed(own)


APPLICANTS = (
    Applicant(login="applicant", unit="unit", profile=another("何药师", "51010619880808321")),
    Applicant(login="applicant-other", unit="unit-other", profile=another("吕药师", "51010619890909321")),
    Applicant(
        login="applicant-city", unit="unit-city",
        profile={**another("施药师", "51010619900101321"), "employer": "锦城市第一人民医院", "affiliation": "市属"},
    ),
    Applicant(
        login="applicant-province", unit="unit-province",
        profile={**another("张药师", "51010619910202321"), "employer": "示例省立医院", "affiliation": "省属"},
    ),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """What a journey ended with."""

    dossier: Data
    #: Item → SHA-256 of what was sent.
    sent: Mapping[str, str]


def journey(url: str, passwords: Mapping[str, str], applicant: Applicant, folder: Path) -> Done:
    """From a new dossier to the unit's signature. Raises `DemoFailed` when it takes longer than the deadline."""
    files = applicant.files(folder)
    ends = time.monotonic() + DEADLINE_S
    person = _patiently(lambda: Client(url, applicant.login, passwords[applicant.login]), ends)
    unit = _patiently(lambda: Client(url, applicant.unit, passwords[applicant.unit]), ends)
    try:
        made = _patiently(
            lambda: person.send("POST", "/api/v1/dossiers", json={"profile": applicant.profile}, key=applicant.login),
            ends,
        )
        dossier_id = str(made["dossier_id"])
        for item, material in materials(made).items():
            if material["required"]:
                _send(person, dossier_id, material["material_id"], COMPONENTS[item], files[item], ends)
        _patiently(lambda: _hand_in(person, dossier_id), ends)
        _patiently(lambda: _sign(unit, dossier_id), ends)
        final = _patiently(lambda: person.dossier(dossier_id), ends)
    finally:
        person.close()
        unit.close()
    return Done(dossier=final, sent={i: hashlib.sha256(path.read_bytes()).hexdigest() for i, path in files.items()})


def _send(person: Client, dossier_id: str, material_id: str, component: str, path: Path, ends: float) -> None:
    """As the page does: each step is asked again until it is answered, and none begins the upload anew."""
    content = path.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    base = f"/api/v1/dossiers/{dossier_id}"
    told = {"component": component, "file_name": path.name, "size_bytes": len(content), "sha256": sha256}
    asked = f"{base}/materials/{material_id}/uploads"
    upload = _patiently(lambda: person.send("POST", asked, json=told, key=material_id), ends)["upload_id"]
    part = {"number": 1, "size_bytes": len(content), "sha256": sha256}

    def put() -> None:
        signed = person.send("POST", f"{base}/uploads/{upload}/parts", json={"parts": [part]})["parts"]
        person.put(signed[0]["request"], content)

    _patiently(put, ends)
    _patiently(lambda: person.send("POST", f"{base}/uploads/{upload}/completion", json={"sha256": sha256}), ends)


def _hand_in(person: Client, dossier_id: str) -> None:
    if person.dossier(dossier_id)["state"] == "draft":
        submit(person, dossier_id)


def _sign(unit: Client, dossier_id: str) -> None:
    now = unit.dossier(dossier_id)
    if now["level"] == "unit":
        for material in now["materials"]:
            confirm(unit, dossier_id, material)
        forward(unit, dossier_id, key="sign")


def _patiently(step: Callable[[], T], ends: float) -> T:
    while True:
        try:
            return step()
        except (httpx.TransportError, DemoFailed):
            if time.monotonic() > ends:
                raise
        time.sleep(_PAUSE_S)
