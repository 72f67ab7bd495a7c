"""The platform as a browser sees it: dossiers, parts to presigned URLs, changes."""

import hashlib
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from services.cli.person import Data as Data
from services.cli.person import Person, Refused

#: Pauses in seconds before what was refused for now is asked again.
PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0)


class DemoFailed(Exception):
    """Something was not as it should be; the message says what."""


class Client(Person):
    """One signed-in person who fills, reviews and signs."""

    def __init__(self, url: str, login: str, password: str) -> None:
        """Sign in. Raises `DemoFailed`."""
        try:
            super().__init__(url, login, password)
        except Refused as error:
            raise DemoFailed(str(error)) from error

    def send(self, method: str, path: str, *, version: bool = False, key: str = "", **rest: Any) -> Data:
        """One call; its JSON. `version` sends the ETag of the dossier last read as If-Match, `key` an Idempotency-Key.

        Asked again while the answer says that the same may succeed later. Raises `DemoFailed`, and httpx's transport
        errors when nobody answers.
        """
        headers = {"If-Match": self._tag} if version else {}
        if key:
            headers["Idempotency-Key"] = key
        try:
            for pause_s in PAUSES_S:
                try:
                    return self.ask(method, path, headers=headers, **rest)
                except Refused as error:
                    if not error.retryable:
                        raise
                time.sleep(pause_s)
            return self.ask(method, path, headers=headers, **rest)
        except Refused as error:
            raise DemoFailed(str(error)) from error

    def dossier(self, dossier_id: str) -> Data:
        """The dossier as it is now."""
        return self.send("GET", f"/api/v1/dossiers/{dossier_id}")

    def upload(self, dossier_id: str, material_id: str, component_id: str, path: Path) -> str:
        """Send a file in parts and complete it; its SHA-256."""
        content = path.read_bytes()
        whole = hashlib.sha256(content).hexdigest()
        base = f"/api/v1/dossiers/{dossier_id}"
        told = {"component": component_id, "file_name": path.name, "size_bytes": len(content), "sha256": whole}
        made = self.send("POST", f"{base}/materials/{material_id}/uploads", json=told, key=str(uuid.uuid4()))
        size, upload = int(made["part_size_bytes"]), made["upload_id"]
        pieces = [content[at : at + size] for at in range(0, len(content), size)]
        parts = [
            {"number": n, "size_bytes": len(piece), "sha256": hashlib.sha256(piece).hexdigest()}
            for n, piece in enumerate(pieces, start=1)
        ]
        signed = self.send("POST", f"{base}/uploads/{upload}/parts", json={"parts": parts})["parts"]
        for part in signed:
            self.put(part["request"], pieces[part["number"] - 1])
        self.send("POST", f"{base}/uploads/{upload}/completion", json={"sha256": whole})
        return whole

    def put(self, request: Data, body: bytes) -> None:
        """One part to its presigned URL. Raises `DemoFailed`, and httpx's transport errors."""
        answer = httpx.request(
            request["method"], request["url"], headers=request["headers"], content=body, timeout=120, trust_env=False
        )
        if answer.status_code != 200:
            raise DemoFailed(f"part refused: {answer.status_code} {answer.text[:300]}")

    def download(self, request: Data, target: Path) -> str:
        """Fetch a presigned download into `target`; its SHA-256."""
        digest = hashlib.sha256()
        with httpx.stream(request["method"], request["url"], timeout=120, trust_env=False) as answer:
            if answer.status_code != 200:
                raise DemoFailed(f"download refused: {answer.status_code}")
            with target.open("wb") as out:
                for chunk in answer.iter_bytes():
                    digest.update(chunk)
                    out.write(chunk)
        return digest.hexdigest()

    def wait(self, dossier_id: str, done: Callable[[Data], bool], *, deadline_s: float) -> Data:
        """Follow the change feed until `done` says so of the dossier. Raises `DemoFailed` after the deadline."""
        ends, after = time.monotonic() + deadline_s, 0
        while True:
            dossier = self.dossier(dossier_id)
            if done(dossier):
                return dossier
            if time.monotonic() > ends:
                still = [f"{m['item_number']}: {m['status']}" for m in dossier["materials"] if m["status"] != "passed"]
                raise DemoFailed(f"not done after {deadline_s:.0f} s: {still}")
            told = self.send("GET", f"/api/v1/dossiers/{dossier_id}/changes?after={after}&wait_s=5")
            after = told["last"]
