"""A dossier's materials joined with what the checklist and the catalogue say of each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from services.catalogue import load
from services.catalogue.model import Item
from services.gateway.plain import Data

#: Statuses with which a dossier cannot be handed in.
UNFINISHED = ("missing", "processing", "failed", "returned")


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A material as lists and its own page show it."""

    material: Data
    #: Its entry of the checklist; None for one that the profile no longer demands.
    entry: Data | None
    item: Item
    #: Reasons of a return that are still open.
    defects: tuple[str, ...]

    @property
    def id(self) -> str:
        """The material's id."""
        return str(self.material["material_id"])

    @property
    def components(self) -> list[Data]:
        """What the material consists of, each with its files in order; `choose` says of which one picks."""
        files = self.material["files"]
        owed = self.entry["components"] if self.entry else []
        choose = {c: a["choose"] for a in (self.entry["alternatives"] if self.entry else []) for c in a["of"]}
        known = {component["id"] for component in owed}
        left = [self.item.component(c) for c in sorted({file["component_id"] for file in files} - known)]
        extra = [{"id": component.id, "zh": component.zh, "en": component.en, "due": False} for component in left]
        return [
            {
                **component,
                "choose": choose.get(component["id"], ""),
                "files": [file for file in files if file["component_id"] == component["id"]],
            }
            for component in [*owed, *extra]
        ]

    def text_limit(self, component_id: str) -> int | None:
        """How many characters a component's text may have (M15-2h, M15-10); None where that is not limited."""
        return self.item.component(component_id).text_max_chars


def lines(dossier: Data, checklist: Data) -> Iterator[Line]:
    """Every material with what the checklist says of it, in the notice's order."""
    entries = {(entry["item"], entry["ordinal"]): entry for entry in checklist["items"]}
    open_defects = _open_defects(dossier)
    for material in dossier["materials"]:
        yield Line(
            material=material,
            entry=entries.get((material["item_id"], material["ordinal"])),
            item=load.default().item(material["item_id"]),
            defects=tuple(open_defects.get(material["material_id"], ())),
        )


def _open_defects(dossier: Data) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    returned = [decision for decision in dossier["decisions"] if decision["decision"] == "returned"]
    for defect in returned[-1]["defects"] if returned else []:
        if not defect["resolved"]:
            found.setdefault(defect["material_id"], []).append(defect["reason"])
    return found
