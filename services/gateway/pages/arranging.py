"""The pages of a material as the applicant wants them: order, turns, what they are part of, what is left out (G-05).

Nothing is sent again and no file changes: what is kept is a recipe. The form works without scripts; with them, pages
are dragged.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from services.catalogue.error_texts import ErrorText, explain
from services.gateway.guard import AppGateway, Gateway
from services.gateway.languages import language
from services.gateway.pages import asking
from services.gateway.pages.lines import Line, lines
from services.gateway.pages.view import page
from services.gateway.pages.visitor import SignedInVisitor, Visitor
from services.gateway.plain import Data, plain
from services.gen.pdfcheck.v1 import pdfcheck_pb2
from services.gen.review.v1 import review_pb2 as pb
from services.kernel.errors import KINDS, AppError, Kind, not_found
from services.kernel.grpc_client import call

router = APIRouter(prefix="/dossiers/{dossier_id}/materials/{material_id}/arrangement", include_in_schema=False)
#: As many fields as a form of five thousand pages has.
_MOST_FIELDS = 20_010
_TURNS = (0, 90, 180, 270)


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaf:
    """One page as it stands on this page; `component_id` is "" for one that is left out."""

    file_id: str
    file_name: str
    page: int
    turn: int
    component_id: str
    #: What a suggestion rests on, where this page stands where it was suggested.
    heading: str = ""
    confidence: float = 0.0

    @property
    def key(self) -> str:
        """What the form calls it."""
        return f"{self.file_id}:{self.page}"


@router.get("")
async def show(
    request: Request, dossier_id: str, material_id: str, gateway: AppGateway, visitor: SignedInVisitor
) -> Response:
    """Every page of every file under the component it is part of; components without any stay visible."""
    return await _shown(request, gateway, visitor, dossier_id, material_id)


@router.post("/suggestions")
async def request_suggestions(
    request: Request, dossier_id: str, material_id: str, gateway: AppGateway, visitor: SignedInVisitor
) -> Response:
    """Have the headings of all pages read; back to the pages, which tell how far it is."""
    line, _ = await _line(request, gateway, visitor, dossier_id, material_id)
    grant = await gateway.peers.authorise(visitor.session.account_id, dossier_id, "upload")
    for file in line.material["files"]:
        if file["pages"]:
            asked = pdfcheck_pb2.RequestSuggestionsRequest(
                dossier_id=dossier_id, file_id=file["file_id"], item_id=line.item.id
            )
            await call(gateway.peers.pdfcheck.RequestSuggestions, asked, token=grant.pdfcheck, idempotent=True)
    return RedirectResponse(f"/dossiers/{dossier_id}/materials/{material_id}/arrangement", status_code=303)


@router.get("/suggestions")
async def suggestions(
    request: Request, dossier_id: str, material_id: str, gateway: AppGateway, visitor: SignedInVisitor
) -> Response:
    """The part of the page that changes by itself while headings are read."""
    line, seen = await _line(request, gateway, visitor, dossier_id, material_id)
    told = await _suggested(request, gateway, visitor, dossier_id, line.material)
    return page(
        request, "arrangement_suggestions.html", visitor=visitor, dossier=seen, line=line, editable=_editable(seen),
        suggesting=_state(line.material, told),
    )  # fmt: skip


@router.post("")
async def save(
    request: Request, dossier_id: str, material_id: str, gateway: AppGateway, visitor: SignedInVisitor
) -> Response:
    """Keep the arrangement, or take the files whole again."""
    form = await request.form(max_fields=_MOST_FIELDS)
    wanted = [] if form.get("whole") else _wanted(form)
    asked = pb.ArrangePagesRequest(
        dossier_id=dossier_id, material_id=material_id, leaves=wanted, version=_number(form.get("version"))
    )
    token = gateway.peers.as_actor(visitor.session.account_id)
    try:
        if not wanted and not form.get("whole"):
            raise AppError("dossier.nothing-left", Kind.INVALID)
        await call(gateway.peers.review.ArrangePages, asked, token=token)
    except AppError as error:
        if error.kind is Kind.NOT_FOUND:
            raise
        said = explain(error.code, error.params, language(request))
        status = KINDS[error.kind].http
        return await _shown(request, gateway, visitor, dossier_id, material_id, status=status, problem=said)
    return RedirectResponse(f"/dossiers/{dossier_id}/materials/{material_id}", status_code=303)


async def _shown(
    request: Request, gateway: Gateway, visitor: Visitor, dossier_id: str, material_id: str, *, status: int = 200,
    problem: ErrorText | None = None,
) -> Response:  # fmt: skip
    line, seen = await _line(request, gateway, visitor, dossier_id, material_id)
    told = await _suggested(request, gateway, visitor, dossier_id, line.material)
    leaves = _leaves(line.material)
    if request.query_params.get("suggested"):
        leaves = _as_suggested(leaves, told)
    values: dict[str, Any] = {
        "dossier": seen,
        "line": line,
        "editable": _editable(seen),
        "suggesting": _state(line.material, told),
        "sections": _sections(line, leaves),
        "left_out": [leaf for leaf in leaves if not leaf.component_id],
        "uncounted": [file for file in line.material["files"] if not file["pages"]],
        "turns": _TURNS,
        "problem": problem,
    }
    return page(request, "arrangement.html", status, visitor=visitor, **values)


async def _line(
    request: Request, gateway: Gateway, visitor: Visitor, dossier_id: str, material_id: str
) -> tuple[Line, Data]:
    """The material and its dossier, for its applicant. Raises `AppError` request.not-found for anybody else."""
    account_id = visitor.session.account_id
    seen = await asking.dossier(request, gateway, account_id, dossier_id)
    owed = await asking.checklist(gateway, account_id, dossier_id)
    line = next((each for each in lines(seen.dossier, owed) if each.id == material_id), None)
    if line is None or line.item.is_video or seen.dossier["applicant_id"] != account_id:
        raise not_found("material")
    return line, seen.dossier


def _editable(dossier: Data) -> bool:
    return dossier["state"] in ("draft", "returned")


async def _suggested(
    request: Request, gateway: Gateway, visitor: Visitor, dossier_id: str, material: Data
) -> Mapping[str, Data]:
    """What was suggested for each file, as `asking.per_file`."""
    ids = [file["file_id"] for file in material["files"] if file["pages"]]
    if not ids:
        return {}
    grant = await gateway.peers.authorise(visitor.session.account_id, dossier_id, "view")

    async def ask(file_id: str) -> Data:
        asked = pdfcheck_pb2.GetSuggestionsRequest(dossier_id=dossier_id, file_id=file_id)
        found = await call(gateway.peers.pdfcheck.GetSuggestions, asked, token=grant.pdfcheck, idempotent=True)
        return plain(found, language(request))

    return await asking.per_file(ids, ask)


def _state(material: Data, told: Mapping[str, Data]) -> Data:
    """How far the reading is, over all files: "none" until it was asked for each of them."""
    counted = [file["file_id"] for file in material["files"] if file["pages"]]
    states = [told[file_id]["state"] for file_id in counted if file_id in told]
    if len(states) < len(counted) or "failed" in states:
        return {"state": "none", "progress": 0.0}
    done = sum(told[file_id]["progress"] for file_id in counted) / max(1, len(counted))
    return {"state": "working" if "working" in states else "ready", "progress": done}


def _as_suggested(leaves: Sequence[Leaf], told: Mapping[str, Data]) -> list[Leaf]:
    """The pages where their headings say that they belong; where they say nothing, where they are."""
    by_page = {(file_id, each["page"]): each for file_id, found in told.items() for each in found["suggestions"]}
    moved = []
    for leaf in leaves:
        found = by_page.get((leaf.file_id, leaf.page))
        if found is None or not found["component_id"] or not leaf.component_id:
            moved.append(leaf)
            continue
        moved.append(
            replace(
                leaf,
                component_id=found["component_id"],
                heading=found["heading"],
                confidence=found["confidence"],
            )
        )
    return moved


def _sections(line: Line, leaves: Sequence[Leaf]) -> Sequence[tuple[Data, Sequence[Leaf]]]:
    """Each component with its pages, those without any too."""
    return [(each, [leaf for leaf in leaves if leaf.component_id == each["id"]]) for each in _components(line, leaves)]


def _components(line: Line, leaves: Sequence[Leaf]) -> list[Data]:
    """Those that are owed, and any other that pages were put under."""
    known = line.components
    ids = {component["id"] for component in known}
    used = sorted({leaf.component_id for leaf in leaves if leaf.component_id} - ids)
    more = [line.item.component(component_id) for component_id in used]
    return [*known, *({"id": each.id, "zh": each.zh, "en": each.en, "due": False, "choose": ""} for each in more)]


def _leaves(material: Data) -> list[Leaf]:
    """The pages in their order, then those that are left out."""
    files: Mapping[str, Data] = {file["file_id"]: file for file in material["files"]}
    arranged = [leaf for leaf in material["leaves"] if leaf["file_id"] in files]
    found = [
        Leaf(
            file_id=leaf["file_id"],
            file_name=files[leaf["file_id"]]["file_name"],
            page=leaf["page"],
            turn=leaf["turn"],
            component_id=leaf["component_id"],
        )
        for leaf in arranged
    ]
    taken = {leaf.key for leaf in found}
    for file in files.values():
        known = file["file_id"] in material["arranged_files"]
        found += [leaf for leaf in _whole(file, left_out=known) if leaf.key not in taken]
    return found


def _whole(file: Data, *, left_out: bool) -> Iterator[Leaf]:
    for number in range(1, file["pages"] + 1):
        yield Leaf(
            file_id=file["file_id"],
            file_name=file["file_name"],
            page=number,
            turn=0,
            component_id="" if left_out else file["component_id"],
        )


def _wanted(form: FormData) -> list[pb.Leaf]:
    """The pages that the form takes, by their places; a place that is no number comes first, as it stands."""
    found: list[tuple[int, int, pb.Leaf]] = []
    for at, (name, value) in enumerate(form.multi_items()):
        kind, _, number = name.partition(".")
        if kind != "leaf":
            continue
        file_id, _, number_of_page = str(value).rpartition(":")
        leaf = pb.Leaf(
            file_id=file_id,
            page=_number(number_of_page),
            turn=_number(form.get(f"turn.{number}")),
            component_id=str(form.get(f"component.{number}", "")),
        )
        if leaf.component_id:
            found.append((_number(form.get(f"place.{number}")), at, leaf))
    return [leaf for _, _, leaf in sorted(found, key=lambda each: each[:2])]


def _number(value: object) -> int:
    """What was typed, within what a message holds; 0 for what is no number."""
    text = str(value or "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
