"""What a material is merged from: whole files in their order, or pages as the applicant put them (G-05). Pure.

An arrangement is a recipe: files stay as they were sent, and taking it back gives the whole files again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from services.catalogue.model import Catalogue
from services.kernel.errors import AppError, Kind
from services.review.domain.records import Arrangement, File, Leaf, Material

TURNS = (0, 90, 180, 270)
#: More pages than any material has; a page may be taken twice.
MOST_LEAVES = 5000


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A file's pages under one component. `pages` are (page from 1, degrees clockwise); none at all means every page
    as it is."""

    file: File
    component_id: str
    pages: tuple[tuple[int, int], ...] = ()

    @property
    def told(self) -> str:
        """The pages as a text, "" for all of them."""
        return ",".join(f"{page}:{turn}" for page, turn in self.pages)


def ordered(catalogue: Catalogue, material: Material) -> tuple[File, ...]:
    """The files in the order of the item's components, and within one in the applicant's order."""
    places = _places(catalogue, material)
    return tuple(sorted(material.files, key=lambda f: (places.get(f.component_id, len(places)), f.position, f.file_id)))


def parts_of(catalogue: Catalogue, material: Material) -> tuple[Part, ...]:
    """What is merged, in order: by the item's components, and within one as arranged, files that came later behind."""
    files = ordered(catalogue, material)
    arranged = material.arrangement
    if arranged is None:
        return tuple(Part(file=file, component_id=file.component_id) for file in files)
    known = {file.file_id: file for file in files}
    leaves = [leaf for leaf in arranged.leaves if leaf.file_id in known]
    parts = [
        Part(file=known[file_id], component_id=component_id, pages=tuple((leaf.page, leaf.turn) for leaf in run))
        for (file_id, component_id), run in groupby(leaves, key=lambda leaf: (leaf.file_id, leaf.component_id))
    ]
    later = [file for file in files if file.file_id not in arranged.files]
    parts += [Part(file=file, component_id=file.component_id) for file in later]
    places = _places(catalogue, material)
    return tuple(sorted(parts, key=lambda part: places.get(part.component_id, len(places))))


def _places(catalogue: Catalogue, material: Material) -> Mapping[str, int]:
    return {component.id: place for place, component in enumerate(catalogue.item(material.item_id).components)}


def whole(files: Iterable[File]) -> tuple[Leaf, ...]:
    """Every page of every file, as it is and where it is."""
    return tuple(
        Leaf(file_id=file.file_id, page=page, turn=0, component_id=file.component_id)
        for file in files
        for page in range(1, _pages(file) + 1)
    )


def arranged(catalogue: Catalogue, material: Material, leaves: Sequence[Leaf]) -> Arrangement | None:
    """The arrangement that these leaves are; None where they say no more than the whole files do.

    Raises `AppError` dossier.too-many-pages, dossier.no-such-page, dossier.no-such-component, dossier.wrong-turn,
    dossier.not-counted (a file whose pages are not known yet), dossier.pages-of-video.
    """
    item = catalogue.item(material.item_id)
    if item.is_video:
        raise AppError("dossier.pages-of-video", Kind.INVALID, item=item.id)
    if len(leaves) > MOST_LEAVES:
        raise AppError("dossier.too-many-pages", Kind.INVALID, given=len(leaves), limit=MOST_LEAVES)
    files = ordered(catalogue, material)
    components = {component.id for component in item.components}
    known = {file.file_id: file for file in files}
    for leaf in leaves:
        _check(leaf, known, components)
    if not leaves or tuple(leaves) == whole(files):
        return None
    return Arrangement(leaves=tuple(leaves), files=tuple(file.file_id for file in files))


def _check(leaf: Leaf, files: Mapping[str, File], components: set[str]) -> None:
    file = files.get(leaf.file_id)
    if file is not None and not _pages(file):
        raise AppError("dossier.not-counted", Kind.PRECONDITION, file=file.file_name)
    if file is None or not 1 <= leaf.page <= _pages(file):
        pages = _pages(file) if file is not None else 0
        raise AppError("dossier.no-such-page", Kind.INVALID, page=leaf.page, pages=pages)
    if leaf.component_id not in components:
        raise AppError("dossier.no-such-component", Kind.INVALID, component=leaf.component_id[:100])
    if leaf.turn not in TURNS:
        raise AppError("dossier.wrong-turn", Kind.INVALID, given=leaf.turn, allowed=", ".join(map(str, TURNS)))


def _pages(file: File) -> int:
    return file.report.pages if file.report is not None else 0


def without(arrangement: Arrangement | None, file_id: str) -> Arrangement | None:
    """What is left of an arrangement when a file goes; None when that is nothing."""
    if arrangement is None or file_id not in arrangement.files:
        return arrangement
    leaves = tuple(leaf for leaf in arrangement.leaves if leaf.file_id != file_id)
    files = tuple(known for known in arrangement.files if known != file_id)
    return Arrangement(leaves=leaves, files=files) if leaves else None


def instead(arrangement: Arrangement | None, old: str, new: str) -> Arrangement | None:
    """The same arrangement of a file that took another one's place, page by page."""
    if arrangement is None or old not in arrangement.files:
        return arrangement
    leaves = tuple(replace(leaf, file_id=new) if leaf.file_id == old else leaf for leaf in arrangement.leaves)
    return Arrangement(leaves=leaves, files=tuple(new if known == old else known for known in arrangement.files))
