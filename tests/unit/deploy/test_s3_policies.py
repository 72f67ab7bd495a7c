"""The example policies allow each service the prefixes that its code uses, and no more."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.kernel.db.roles import SERVICES
from services.kernel.storage.s3.probing import ONCE_KEY
from services.pdfcheck.usecases.pictures import folder_of_file
from services.review.usecases.auditing import anchor
from services.review.usecases.context import Context
from services.upload.domain.records import Area, Place, object_key
from services.video.usecases import poster
from tests.unit.deploy.s3_policies import BUCKET, policies, prefixes
from tests.unit.upload.fakes import NOW

PLACE = Place(dossier_id="d", organisation_path="/", material_id="m", item_id="i", component_id="c")
PROBE = ONCE_KEY.partition("/")[0] + "/"


class Kept:
    """A store that notes the keys of what is put."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    async def put(self, key: str, body: bytes) -> None:
        self.keys.append(key)


async def anchors() -> str:
    async def chained() -> Sequence[str]:
        return []

    context = SimpleNamespace(work=SimpleNamespace(chained=chained), clock=SimpleNamespace(now=lambda: NOW))
    return await anchor(cast("Context", context), cast("Any", Kept()))


def begin(key: str, parts: int = 1) -> str:
    return "/".join(key.split("/")[:parts]) + "/"


async def own() -> dict[str, set[str]]:
    """Service → prefixes that it writes under, as its code makes the keys."""
    return {
        "upload": {begin(object_key(area, 2023, PLACE, "f")) for area in Area},
        "video": {begin(poster.key_of("d", "f"), 2)},
        "pdfcheck": {begin(folder_of_file("d", "f"), 2)},
        "review": {begin(await anchors())},
    }


def test_every_service_but_the_gateway_has_a_policy() -> None:
    assert set(policies()) == set(SERVICES) - {"gateway"}


async def test_a_service_writes_where_its_code_does_and_where_it_probes() -> None:
    expected = {service: mine | {PROBE} for service, mine in (await own()).items()}
    assert {service: prefixes(policy, "PutObject") for service, policy in policies().items()} == expected
    assert {service: prefixes(policy, "ListMultipartUploadParts") for service, policy in policies().items()} == expected


async def test_nobody_deletes_what_is_not_its_own_and_nobody_deletes_evidence() -> None:
    mine = await own()
    for service, policy in policies().items():
        assert prefixes(policy, "DeleteObject") <= mine[service] - {"evidence/", "anchors/"}
        assert prefixes(policy, "DeleteObjectVersion") == set()


def test_originals_are_read_by_those_who_measure_them() -> None:
    originals = {"staging/", "evidence/"}
    reading = {service for service, policy in policies().items() if originals <= prefixes(policy, "GetObject")}
    assert reading == {"upload", "video", "pdfcheck"}


@pytest.mark.parametrize("service", sorted(policies()))
def test_a_policy_only_allows_and_names_one_bucket(service: str) -> None:
    for statement in policies()[service]["Statement"]:
        assert statement["Effect"] == "Allow"
        assert all(resource == BUCKET or resource.startswith(f"{BUCKET}/") for resource in statement["Resource"])
        assert not any("*" in action for action in statement["Action"])
        assert f"{BUCKET}/*" not in statement["Resource"]
