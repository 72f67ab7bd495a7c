"""The journey itself: profile, files, checks, submission, four signatures, and what came of it."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from services.cli.demo import sample
from services.cli.demo.client import Client, Data, DemoFailed
from services.video.tools.iso import read_back

LEVELS = ("unit", "county", "city", "province")
Say = Callable[[str], None]


def journey(url: str, accounts: Mapping[str, str], folder: Path, say: Say) -> Data:
    """Carry the sample dossier through everything; the facts of `cli.md` without `seconds.start`.

    `accounts` maps login to password. Raises `DemoFailed` when anything is not as it should be.
    """
    began = time.monotonic()
    applicant = Client(url, "applicant", accounts["applicant"])
    dossier_id, sent = _fill(applicant, folder, say)
    say("机检 / checking …")
    ready = applicant.wait(dossier_id, lambda d: d["status"] == "passed", deadline_s=75)
    _check_files(ready, sent)
    applicant.dossier(dossier_id)
    applicant.send(
        "POST", f"/api/v1/dossiers/{dossier_id}/submission", version=True, json={"declaration_accepted": True}
    )
    say("已提交 / submitted")
    for level in LEVELS:
        _sign(Client(url, level, accounts[level]), level, dossier_id, say)
    final = applicant.dossier(dossier_id)
    if final["state"] != "accepted":
        raise DemoFailed(f"the dossier is {final['state']}")
    result = _result(applicant, final, folder, sent)
    result["seconds"] = {"journey": round(time.monotonic() - began, 2)}
    applicant.close()
    return result


def _fill(applicant: Client, folder: Path, say: Say) -> tuple[str, dict[tuple[str, str], str]]:
    """Open the dossier and send every file; (dossier id, (item, file name) → SHA-256)."""
    made = applicant.send("POST", "/api/v1/dossiers", json={"profile": sample.PROFILE})
    dossier_id = str(made["dossier_id"])
    materials = {material["item_id"]: material["material_id"] for material in made["materials"]}
    sent: dict[tuple[str, str], str] = {}
    for file in sample.files(folder):
        sha256 = applicant.upload(dossier_id, materials[file.item_id], file.component_id, file.path)
        sent[file.item_id, file.path.name] = sha256
        say(f"上传 / sent  {file.item_id:<24} {file.path.stat().st_size / 1024:8.0f} KB")
    return dossier_id, sent


def _check_files(dossier: Data, sent: Mapping[tuple[str, str], str]) -> None:
    """Every file is there with the hash that was computed before it was sent."""
    stored = {(m["item_id"], f["file_name"]): f["sha256"] for m in dossier["materials"] for f in m["files"]}
    if stored != dict(sent):
        raise DemoFailed(f"stored files differ from what was sent: {sorted(set(stored) ^ set(sent))}")


def _sign(reviewer: Client, level: str, dossier_id: str, say: Say) -> None:
    """Confirm every material three times over, then sign."""
    dossier = reviewer.dossier(dossier_id)
    for material in dossier["materials"]:
        confirmation = {
            "manifest_sha256": material["manifest_sha256"],
            "compared_with_original": True,
            "legible": True,
            "authentic": True,
        }
        path = f"/api/v1/dossiers/{dossier_id}/materials/{material['material_id']}/confirmation"
        reviewer.send("PUT", path, json=confirmation)
    reviewer.dossier(dossier_id)
    reviewer.send("POST", f"/api/v1/dossiers/{dossier_id}/forwarding", version=True, json={"eligible": True})
    say(f"签署 / signed  {level}")
    reviewer.close()


def _result(applicant: Client, dossier: Data, folder: Path, sent: Mapping[tuple[str, str], str]) -> Data:
    base = f"/api/v1/dossiers/{dossier['dossier_id']}"
    by_item = {material["item_id"]: material for material in dossier["materials"]}
    case, video = by_item["clinical_case"], by_item["surgery_video"]
    merged = applicant.send("GET", f"{base}/materials/{case['material_id']}/merged")
    merged_path = folder / "clinical_case.pdf"
    if applicant.download(merged["download"], merged_path) != merged["sha256"]:
        raise DemoFailed("the merged PDF is not the one that was announced")
    file = video["files"][0]
    disc = applicant.send("GET", f"{base}/files/{file['file_id']}/disc")
    disc_path = folder / "disc.iso"
    image_sha256 = applicant.download(disc["download"], disc_path)
    if disc["sha256"] not in ("", image_sha256):  # a store that copied the video itself was not read as a whole
        raise DemoFailed("the disc image is not the one that was announced")
    with disc_path.open("rb") as image:
        on_disc = read_back(image).only_file
    if on_disc is None or on_disc.sha256 != sent["surgery_video", disc["file_name"]]:
        raise DemoFailed("the file on the disc is not the file that was sent")
    if (on_disc.name, on_disc.sha256) != (disc["file_name"], disc["file_sha256"]):
        raise DemoFailed("the disc does not hold what was announced")
    audit = applicant.send("GET", f"{base}/audit/verification")
    if not audit["verified"]:
        raise DemoFailed(f"the audit chain is broken: {audit['breaks']}")
    return {
        "dossier": dossier["dossier_id"],
        "applicant": applicant.account_id,
        "materials": [_material(material) for material in dossier["materials"]],
        "merged_pdf": {
            "path": str(merged_path),
            "sha256": merged["sha256"],
            "pages": merged["pages"],
            "bookmarks": [mark["title"] for mark in merged["bookmarks"] if mark["depth"] == 0],
        },
        "disc_image": {
            "path": str(disc_path),
            "sha256": image_sha256,
            "file": disc["file_name"],
            "file_sha256": disc["file_sha256"],
        },
        "levels": [
            {"level": d["level"], "decision": d["decision"], "by": d["by"], "at": d["at"]} for d in dossier["decisions"]
        ],
        "audit": {"entries": audit["entries"], "verified": audit["verified"]},
    }


def _material(material: Mapping[str, Any]) -> Data:
    files = [{"name": f["file_name"], "sha256": f["sha256"], "verdict": f["verdict"]} for f in material["files"]]
    return {"item": material["item_number"], "status": material["status"], "files": files}
