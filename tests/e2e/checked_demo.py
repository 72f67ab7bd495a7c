"""`shenbao demo`, every answer of the API held against its OpenAPI document on the way.

Run as `python -m tests.e2e.checked_demo FOLDER ARGUMENT…`; the routes that were seen are written into `FOLDER/routes`.
"""

import sys
import time
from pathlib import Path
from typing import Any
from unittest import mock

from services.cli import main as program
from services.cli.demo import journey as demo
from services.cli.demo.client import Client, Data
from services.cli.person import Refused
from tests.e2e.conformance import Conformance

CONFORMANCE = Conformance()


class Checked(Client):
    """Looks at every answer before it hands it on."""

    def send(self, method: str, path: str, **rest: Any) -> Data:
        answer = super().send(method, path, **rest)
        status = next((r.status_code or 200 for r in CONFORMANCE.matching(method, path)), 200)
        CONFORMANCE.check(method, path, status, answer or None)
        return answer


def opening_is_read(dossier: Data) -> bool:
    return any(file["opening"] for material in dossier["materials"] for file in material["files"])


def looked_through(applicant: Client, path: str) -> None:
    """Nothing tells of it: it is for the eye."""
    ends = time.monotonic() + 60
    while True:
        try:
            applicant.ask("GET", path)
        except Refused as error:
            if error.answer.status_code != 404 or time.monotonic() > ends:
                raise
        else:
            return


def look_around(applicant: Client, dossier: Data) -> None:
    """What a browser asks for besides."""
    base = f"/api/v1/dossiers/{dossier['dossier_id']}"
    files = {material["item_id"]: material["files"][0]["file_id"] for material in dossier["materials"]}
    looks = ["profile", "checklist", "audit", "changes?after=0&wait_s=0"]
    for item in ("surgery_video", "clinical_case"):
        looks += [f"files/{files[item]}", f"files/{files[item]}/report", f"files/{files[item]}/download"]
    applicant.wait(dossier["dossier_id"], opening_is_read, deadline_s=60)
    looked_through(applicant, f"{base}/files/{files['surgery_video']}/look")
    looks += [f"files/{files['surgery_video']}/{each}" for each in ("opening", "look", "sheet")]
    for look in looks:
        applicant.send("GET", f"{base}/{look}")
    applicant.send("GET", "/api/v1/dossiers?limit=1")
    applicant.send("GET", "/api/v1/session")
    applicant.send("GET", "/api/v1/organisations")


def note(folder: Path) -> None:
    (folder / "routes").write_text("\n".join(sorted(CONFORMANCE.seen)))


def main() -> None:
    folder = Path(sys.argv[1])
    finish = demo._result

    def result(applicant: Client, dossier: Data, *rest: Any) -> Data:
        look_around(applicant, dossier)
        return finish(applicant, dossier, *rest)

    with mock.patch.multiple(demo, _result=result, Client=Checked):
        sys.argv = ["shenbao", *sys.argv[2:]]
        try:
            program.main()
        finally:
            note(folder)


if __name__ == "__main__":
    main()
