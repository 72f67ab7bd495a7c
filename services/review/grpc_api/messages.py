"""Records as messages of `proto/review/v1`, and what a request says as records."""

import json
from collections.abc import Iterator
from datetime import date

from google.protobuf.timestamp_pb2 import Timestamp

from services.catalogue import profile as profiles
from services.catalogue.checklist import Checklist
from services.catalogue.checklist_json import to_data
from services.catalogue.model import Catalogue, Item
from services.catalogue.opening.plain import flat
from services.catalogue.profile import Profile
from services.catalogue.protobuf import all_to_proto
from services.catalogue.source import SourceError
from services.catalogue.wording import Lang
from services.gen.review.v1 import review_pb2 as pb
from services.kernel.errors import AppError, Kind
from services.review.domain.projection import ComparedOpening, MaterialView, is_current
from services.review.domain.records import Actor, Dossier, File, Organisation, Role
from services.review.ports import Change
from services.review.usecases.comparing import SharedPage
from services.review.usecases.dossiers import DossierView

ROLES = {
    pb.ROLE_APPLICANT: Role.APPLICANT,
    pb.ROLE_REVIEWER: Role.REVIEWER,
    pb.ROLE_OPERATOR: Role.OPERATOR,
}
ACTIONS = {pb.ACTION_VIEW: "view", pb.ACTION_UPLOAD: "upload", pb.ACTION_DELETE: "delete"}
LANGUAGES: tuple[Lang, Lang] = ("en", "zh")
PAGE = 50
MOST = 200


def page(asked: int) -> int:
    """How many to answer with."""
    return min(asked or PAGE, MOST)


def profile(text: str, catalogue: Catalogue, today: date) -> Profile:
    """The profile in a request. Raises `AppError` profile.invalid."""
    try:
        return profiles.from_data(json.loads(text), catalogue, today=today)
    except SourceError as error:
        en, zh = ("\n".join(error.lines(lang))[:4000] for lang in LANGUAGES)
        raise AppError("profile.invalid", Kind.INVALID, problems=en, problems_zh=zh) from error
    except (ValueError, RecursionError) as error:
        raise AppError("profile.invalid", Kind.INVALID, problems="this is not JSON", problems_zh="不是 JSON") from error


def masked(id_number: str) -> str:
    """An ID number as it is shown."""
    return f"{id_number[:3]}{'*' * 11}{id_number[-4:]}"


def unmasked(text: str, stored: Profile) -> str:
    """A profile in which the ID number was left as it is shown, with the number itself."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return text
    if isinstance(data, dict) and data.get("id_number") == masked(stored.id_number):
        return json.dumps({**data, "id_number": stored.id_number})
    return text


def principal(actor: Actor, name: str) -> pb.GetPrincipalResponse:
    """An account with its offices."""
    answer = pb.GetPrincipalResponse(account_id=actor.account_id, display_name=name)
    numbers = {role: number for number, role in ROLES.items()}
    for office in actor.offices:
        answer.roles.add(
            role=numbers[office.role],
            organisation_id=office.organisation.organisation_id,
            organisation_path=office.organisation.path,
            level=office.organisation.level if office.role is Role.REVIEWER else "",
        )
    return answer


def organisation(organisation: Organisation) -> pb.Organisation:
    """An organisation."""
    return pb.Organisation(
        organisation_id=organisation.organisation_id,
        path=organisation.path,
        name=organisation.name,
        level=organisation.level,
        kind=organisation.kind,
    )


def material(view: MaterialView, dossier: Dossier, names: dict[str, str]) -> pb.Material:
    """A material as its people see it."""
    material = view.material
    item = view.entry.item
    message = pb.Material(
        material_id=material.material_id,
        item_id=item.id,
        item_number=item.number,
        title_zh=item.title_zh,
        title_en=item.title_en,
        ordinal=material.ordinal,
        required=material.required,
        status=view.status,
        findings=all_to_proto(view.findings),
        manifest_sha256=view.manifest_sha256,
        version=material.version,
        declared_opening={str(name): value for name, value in view.declared_opening.items() if value},
    )
    for file in view.files:
        told = message.files.add()
        told.CopyFrom(_file(file))
        told.verdict = verdict(view, file) if file.report is not None else ""
        told.findings.extend(all_to_proto(view.file_findings[file.file_id]))
        read = view.openings.get(file.file_id)
        told.opening.extend(_opening(read) if read is not None else ())
    if material.arrangement is not None:
        message.arranged_files.extend(material.arrangement.files)
        for leaf in material.arrangement.leaves:
            message.leaves.add(file_id=leaf.file_id, page=leaf.page, turn=leaf.turn, component_id=leaf.component_id)
    message.earlier_files.extend(_file(file) for file in dossier.before(material))
    last = dossier.last_return
    seen_before = last is not None and last.manifests.get(material.material_id) == view.manifest_sha256
    message.same_as_before = seen_before and not dossier.editable
    if material.merged is not None and material.merged.recipe_sha256 == view.recipe_sha256:
        for name in ("merged_id", "sha256", "size_bytes", "pages", "verdict", "recipe_sha256"):
            setattr(message.merged, name, getattr(material.merged, name))
    if view.files and material.disc is not None and is_current(material.disc, view.files[0]):
        for name in ("disc_id", "sha256", "size_bytes", "file_sha256"):
            setattr(message.disc, name, getattr(material.disc, name))
    for given in material.confirmations:
        current = given.manifest_sha256 == view.manifest_sha256 and given.catalogue_version == dossier.catalogue_version
        message.confirmations.add(
            level=given.level,
            compared_with_original=given.compared_with_original,
            legible=given.legible,
            authentic=given.authentic,
            manifest_sha256=given.manifest_sha256,
            catalogue_version=given.catalogue_version,
            confirmed_by=names.get(given.confirmed_by, ""),
            confirmed_at=stamp(given.confirmed_at.timestamp()),
            current=current,
        )
    return message


def _opening(read: ComparedOpening) -> Iterator[pb.OpeningField]:
    for name, field in read.fields.items():
        shot = read.shots[field.shot] if field.shot >= 0 else None
        yield pb.OpeningField(
            name=name,
            status=field.status,
            value=field.value,
            declared=read.declared.get(name, ""),
            confidence=field.confidence,
            time_s=field.time_s,
            shot=field.shot,
            width_px=shot.width_px if shot is not None else 0,
            height_px=shot.height_px if shot is not None else 0,
            corners=[number for piece in field.corners for number in flat(piece)],
        )


def _file(file: File) -> pb.MaterialFile:
    """A file without what was found in it."""
    return pb.MaterialFile(
        file_id=file.file_id,
        component_id=file.component_id,
        file_name=file.file_name,
        size_bytes=file.size_bytes,
        media_type=file.media_type,
        sha256=file.sha256,
        state=file.state,
        pages=file.report.pages if file.report is not None else 0,
        duration_s=file.report.duration_s if file.report is not None else 0,
    )


def verdict(view: MaterialView, file: File) -> str:
    """Of one file, comparisons with the profile included. A report's own stands before its texts are here."""
    by_report = file.report is not None and file.report.verdict == "fail"
    return "fail" if by_report or any(finding.blocks for finding in view.file_findings[file.file_id]) else "pass"


def stamp(seconds: float) -> Timestamp:
    """A moment."""
    return Timestamp(seconds=int(seconds), nanos=int(seconds % 1 * 1e9))


def header(dossier: Dossier, status: str, applicant_name: str, organisation_name: str) -> pb.Dossier:
    """A dossier without its materials."""
    return pb.Dossier(
        dossier_id=dossier.dossier_id,
        applicant_id=dossier.applicant_id,
        applicant_name=applicant_name,
        organisation_name=organisation_name,
        organisation_id=dossier.organisation_id,
        organisation_path=dossier.organisation_path,
        cycle=dossier.cycle,
        catalogue_version=dossier.catalogue_version,
        state=dossier.state,
        level=dossier.level,
        route=dossier.route,
        status=status,
        version=dossier.version,
        submission=dossier.submission,
        updated_at=stamp(dossier.updated_at.timestamp()),
        submitted_at=None if dossier.submitted_at is None else stamp(dossier.submitted_at.timestamp()),
    )


def dossier(view: DossierView) -> pb.Dossier:
    """A dossier with everything."""
    dossier = view.dossier
    names = dict(view.names)
    message = header(dossier, view.status, names.get(dossier.applicant_id, ""), view.organisation_name)
    message.materials.extend(material(each, dossier, names) for each in view.materials)
    for each, told in zip(view.materials, message.materials, strict=True):
        told.right_file_name = view.video_name if each.entry.item.is_video else ""
    message.draft_defects.extend(pb.Defect(material_id=d.material_id, reason=d.reason) for d in view.drafts)
    manifests = {material.material.material_id: material.manifest_sha256 for material in view.materials}
    for decision in dossier.decisions:
        added = message.decisions.add(
            decision_id=decision.decision_id,
            level=decision.level,
            decision=decision.decision,
            by=names.get(decision.by, ""),
            at=stamp(decision.at.timestamp()),
            comment=decision.comment,
            submission=decision.submission,
        )
        for defect in decision.defects:
            resolved = decision.manifests.get(defect.material_id) != manifests.get(defect.material_id)
            added.defects.add(material_id=defect.material_id, reason=defect.reason, resolved=resolved)
    return message


def material_of(view: DossierView, material_id: str) -> pb.Material:
    """One material of a dossier."""
    return next(m for m in dossier(view).materials if m.material_id == material_id)


def checklist(checklist: Checklist) -> str:
    """The checklist as JSON."""
    return json.dumps(to_data(checklist), ensure_ascii=False)


def change(change: Change) -> pb.WatchResponse:
    """A line of the change feed."""
    return pb.WatchResponse(
        seq=change.seq, dossier_id=change.dossier_id, material_id=change.material_id, kind=change.kind
    )


def twin(shared: SharedPage, item: Item) -> pb.Twin:
    """A page that is in two dossiers; `item` is that of the other one's material."""
    found, other = shared.twin, shared.other
    return pb.Twin(
        material_id=shared.material_id,
        file_id=found.file_id,
        page=found.page,
        likeness=found.likeness,
        other_dossier_id=found.other_dossier_id,
        other_applicant_name=other.applicant_name,
        other_organisation_name=other.organisation_name,
        other_cycle=other.dossier.cycle,
        other_material_id=other.material.material_id,
        other_item_number=item.number,
        other_title_zh=item.title_zh,
        other_title_en=item.title_en,
        other_file_id=found.other_file_id,
        other_page=found.other_page,
    )
