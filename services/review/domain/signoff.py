"""The state machine of a dossier: who may submit, forward and return when. Pure: it answers with the next dossier or
raises `AppError`."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from services.kernel.errors import AppError, Kind, stale
from services.review.domain.projection import MaterialView, confirmed
from services.review.domain.records import Decision, Defect, Dossier, DossierState, MaterialStatus

MAX_REASON_CHARACTERS = 1000
MAX_COMMENT_CHARACTERS = 2000


def check_version(dossier: Dossier, given: int) -> None:
    """Refuse to act on what has changed since it was read. Raises `AppError` request.stale-version."""
    if given != dossier.version:
        raise stale(current=dossier.version, given=given)


def check_editable(dossier: Dossier) -> None:
    """Raises `AppError` dossier.not-editable while a level holds it or it is accepted."""
    if not dossier.editable:
        raise AppError("dossier.not-editable", Kind.PRECONDITION, state=dossier.state, level=dossier.level)


def submit(dossier: Dossier, views: Sequence[MaterialView], now: datetime, *, declared: bool) -> Dossier:
    """Hand the dossier in (G-02, G-09): to the first level of its route, whatever level returned it.

    Raises `AppError` dossier.not-editable, dossier.declaration-missing, dossier.incomplete (with what is missing).
    """
    check_editable(dossier)
    if not declared:
        raise AppError("dossier.declaration-missing", Kind.UNPROCESSABLE)
    lacking = [view for view in views if view.status is not MaterialStatus.PASSED]
    if lacking or not views:
        what = "; ".join(f"{view.material.item_id}#{view.material.ordinal}:{view.status}" for view in lacking)
        raise AppError("dossier.incomplete", Kind.UNPROCESSABLE, materials=len(lacking), what=what)
    return _at_level(
        replace(dossier, state=DossierState.IN_REVIEW, submission=dossier.submission + 1, submitted_at=now),
        dossier.route[0],
        now,
    )


def _at_level(dossier: Dossier, level: str, now: datetime) -> Dossier:
    reached = dossier.reached if level in dossier.reached else (*dossier.reached, level)
    return replace(dossier, level=level, reached=reached, version=dossier.version + 1, updated_at=now)


def check_holds(dossier: Dossier, level: str, actor_id: str) -> None:
    """Raises `AppError` dossier.not-at-level unless `level` holds it, review.own-dossier for one's own."""
    if dossier.state is not DossierState.IN_REVIEW or dossier.level != level:
        raise AppError(
            "dossier.not-at-level", Kind.PRECONDITION, state=dossier.state, level=dossier.level, own_level=level
        )
    if dossier.applicant_id == actor_id:
        raise AppError("review.own-dossier", Kind.FORBIDDEN)


def forward(dossier: Dossier, views: Sequence[MaterialView], now: datetime, *, eligible: bool) -> Dossier:
    """Sign the present level (G-12, G-13) and pass on; the last level accepts.

    Raises `AppError` review.not-eligible, review.not-confirmed (with what is not).
    """
    if not eligible:
        raise AppError("review.not-eligible", Kind.UNPROCESSABLE)
    open_ = [view for view in views if view.status is not MaterialStatus.CONFIRMED]
    if open_:
        what = "; ".join(f"{view.material.item_id}#{view.material.ordinal}" for view in open_)
        raise AppError("review.not-confirmed", Kind.PRECONDITION, materials=len(open_), what=what)
    place = dossier.route.index(dossier.level)
    if place + 1 < len(dossier.route):
        return _at_level(dossier, dossier.route[place + 1], now)
    return replace(dossier, state=DossierState.ACCEPTED, level="", version=dossier.version + 1, updated_at=now)


def give_back(dossier: Dossier, views: Sequence[MaterialView], defects: Sequence[Defect], now: datetime) -> Dossier:
    """Return to the applicant with the complete list of defects, once.

    Every material must have been judged: confirmed at this level or on the list. A level that returned before may
    name only what it named then or what changed since. Raises `AppError` review.no-defects, review.unknown-material,
    review.bad-reason, review.not-all-judged, review.return-once.
    """
    check_defects(views, defects)
    named = {defect.material_id for defect in defects}
    unjudged = [
        view
        for view in views
        if view.material.material_id not in named
        and not confirmed(view.material, dossier.level, view.manifest_sha256, dossier.catalogue_version)
    ]
    if unjudged:
        what = "; ".join(f"{view.material.item_id}#{view.material.ordinal}" for view in unjudged)
        raise AppError("review.not-all-judged", Kind.PRECONDITION, materials=len(unjudged), what=what)
    _check_once(dossier, views, named)
    return replace(dossier, state=DossierState.RETURNED, level="", version=dossier.version + 1, updated_at=now)


def check_defects(views: Sequence[MaterialView], defects: Sequence[Defect]) -> None:
    """The list itself: not empty, known materials, a reason each."""
    if not defects:
        raise AppError("review.no-defects", Kind.UNPROCESSABLE)
    known = {view.material.material_id for view in views}
    for defect in defects:
        if defect.material_id not in known:
            raise AppError("review.unknown-material", Kind.INVALID)
        check_reason(defect)


def check_reason(defect: Defect) -> None:
    """Raises `AppError` review.bad-reason unless there is one of reasonable length."""
    if not 0 < len(defect.reason.strip()) <= MAX_REASON_CHARACTERS:
        raise AppError(
            "review.bad-reason", Kind.INVALID, characters=len(defect.reason), most_characters=MAX_REASON_CHARACTERS
        )


def check_comment(comment: str) -> None:
    """Raises `AppError` review.long-comment."""
    if len(comment) > MAX_COMMENT_CHARACTERS:
        raise AppError(
            "review.long-comment", Kind.INVALID, characters=len(comment), most_characters=MAX_COMMENT_CHARACTERS
        )


def _check_once(dossier: Dossier, views: Sequence[MaterialView], named: set[str]) -> None:
    earlier = [d for d in dossier.decisions if d.decision == "returned" and d.level == dossier.level]
    if not earlier:
        return
    last = earlier[-1]
    named_then = {defect.material_id for defect in last.defects}
    manifests = {view.material.material_id: view.manifest_sha256 for view in views}
    late = [m for m in named if m not in named_then and last.manifests.get(m) == manifests[m]]
    if late:
        raise AppError("review.return-once", Kind.PRECONDITION, materials=len(late))


def manifests_of(views: Sequence[MaterialView]) -> Mapping[str, str]:
    """What a level saw when it decided."""
    return {view.material.material_id: view.manifest_sha256 for view in views}


def same_decision(dossier: Dossier, decision_id: str) -> Decision | None:
    """The decision that was already taken under this id: a repeat answers with the present dossier."""
    return next((decision for decision in dossier.decisions if decision.decision_id == decision_id), None)
