"""What a material consists of, as hashes: a confirmation is bound to the manifest, a merge to the recipe."""

import hashlib
import json
from collections.abc import Sequence

from services.catalogue.model import Catalogue
from services.review.domain.arranging import Part, parts_of
from services.review.domain.records import Dossier, Material


def _digest(rows: Sequence[Sequence[str]]) -> str:
    return hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()


def _pages(part: Part) -> list[str]:
    return [part.told] if part.pages else []


def manifest_sha256(catalogue: Catalogue, material: Material) -> str:
    """Hash over component, SHA-256 and chosen pages of each part in order: the same bytes give the same manifest, so a
    file that did not change keeps its confirmations."""
    return _digest([[part.component_id, part.file.sha256, *_pages(part)] for part in parts_of(catalogue, material)])


def recipe_sha256(catalogue: Catalogue, material: Material) -> str:
    """Hash over what a merge is made from, file ids included."""
    parts = parts_of(catalogue, material)
    return _digest([[part.component_id, part.file.file_id, part.file.sha256, *_pages(part)] for part in parts])


def dossier_manifest_sha256(catalogue: Catalogue, dossier: Dossier) -> str:
    """Hash over every material's manifest: what the declaration of G-09 is given for."""
    rows = [[m.material_id, m.item_id, manifest_sha256(catalogue, m)] for m in dossier.materials]
    return _digest(sorted(rows))
