"""What a material consists of, as hashes: a confirmation is bound to the manifest, a merge to the recipe."""

import hashlib
import json
from collections.abc import Sequence

from services.catalogue.model import Catalogue
from services.review.domain.records import Dossier, File, Material


def ordered(catalogue: Catalogue, material: Material) -> tuple[File, ...]:
    """The files in the order of the item's components, and within one in the applicant's order."""
    places = {component.id: place for place, component in enumerate(catalogue.item(material.item_id).components)}
    return tuple(sorted(material.files, key=lambda f: (places.get(f.component_id, len(places)), f.position, f.file_id)))


def _digest(rows: Sequence[Sequence[str]]) -> str:
    return hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()


def manifest_sha256(catalogue: Catalogue, material: Material) -> str:
    """Hash over component and SHA-256 of each file in order: the same bytes give the same manifest, so a file that
    did not change keeps its confirmations."""
    return _digest([[file.component_id, file.sha256] for file in ordered(catalogue, material)])


def recipe_sha256(catalogue: Catalogue, material: Material) -> str:
    """Hash over what a merge is made from, file ids included."""
    return _digest([[f.component_id, f.file_id, f.sha256] for f in ordered(catalogue, material)])


def dossier_manifest_sha256(catalogue: Catalogue, dossier: Dossier) -> str:
    """Hash over every material's manifest: what the declaration of G-09 is given for."""
    rows = [[m.material_id, m.item_id, manifest_sha256(catalogue, m)] for m in dossier.materials]
    return _digest(sorted(rows))
