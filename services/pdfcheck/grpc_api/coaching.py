"""Calls of the size coach: what is too large and why, what it would be otherwise, and the word to put it there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from services.gen.pdfcheck.v1 import pdfcheck_pb2 as pb
from services.kernel.clock import Clock
from services.kernel.errors import AppError, Kind, not_found
from services.kernel.grpc_server import Context, dossier_of_caller, owner_of_dossier
from services.kernel.ids import Ids
from services.kernel.jobs.queue import Job, Queue
from services.kernel.storage.port import ObjectMissing, ObjectStore
from services.kernel.stored_files import StoredFiles
from services.kernel.tokens import Claims
from services.pdfcheck.domain.coaching import Advice, Derivation, Method, Offer, PageAdvice
from services.pdfcheck.ports import Coaching, Reports, Subject
from services.pdfcheck.usecases.coaching import changed, chosen_by_file

_PICTURE_BYTES = 16 * 2**20
_BUSY = ("queued", "leased")
_Request = (
    pb.GetSizeAdviceRequest
    | pb.RequestSizeAdviceRequest
    | pb.CancelSizeAdviceRequest
    | pb.ApplySizeAdviceRequest
    | pb.GetAdvicePictureRequest
)


@dataclass(frozen=True, kw_only=True, slots=True)
class CoachPorts:
    """What these calls work with."""

    coaching: Coaching
    reports: Reports
    files: StoredFiles
    queue: Queue
    store: ObjectStore
    clock: Clock
    ids: Ids


class CoachingCalls:
    """Whoever may see the dossier may see advice; its applicant may ask for it and follow it."""

    _coach: CoachPorts

    async def GetSizeAdvice(self, request: pb.GetSizeAdviceRequest, context: Context) -> pb.GetSizeAdviceResponse:
        """See the contract."""
        claims = dossier_of_caller(request.dossier_id)
        return pb.GetSizeAdviceResponse(advice=await self._told(claims, request))

    async def RequestSizeAdvice(
        self, request: pb.RequestSizeAdviceRequest, context: Context
    ) -> pb.RequestSizeAdviceResponse:
        """See the contract."""
        claims = owner_of_dossier(request.dossier_id)
        job = await self._job(claims, request)
        if job is None or job.state not in _BUSY:
            await self._begin(claims, request)
        return pb.RequestSizeAdviceResponse(advice=await self._told(claims, request))

    async def CancelSizeAdvice(
        self, request: pb.CancelSizeAdviceRequest, context: Context
    ) -> pb.CancelSizeAdviceResponse:
        """See the contract."""
        claims = owner_of_dossier(request.dossier_id)
        jobs = [await self._job(claims, request), *(await self._shrinking(claims, request)).values()]
        for job in jobs:
            if job is not None and job.state in _BUSY:
                await self._coach.queue.cancel(job.job_id)
        return pb.CancelSizeAdviceResponse(advice=await self._told(claims, request))

    async def ApplySizeAdvice(self, request: pb.ApplySizeAdviceRequest, context: Context) -> pb.ApplySizeAdviceResponse:
        """See the contract."""
        claims = owner_of_dossier(request.dossier_id)
        if request.method not in {method.value for method in Method}:
            raise AppError("coach.no-such-offer", Kind.INVALID, method=request.method)
        advice = await self._advice(claims, request)
        if advice is None or advice.advice_id != request.advice_id:
            raise changed()
        method, before = Method(request.method), await self._derivations(claims, advice)
        if any(each.method is not method and not each.problem for each in before):
            raise AppError("coach.already-asked", Kind.CONFLICT)
        by_file = chosen_by_file(advice, method)
        if not by_file:
            raise AppError("coach.no-such-offer", Kind.INVALID, method=method.value)
        known = {each.from_file_id: each for each in before if each.method is method and not each.problem}
        wanted = [
            await self._wanted(claims, advice, method, file_id, pages, known.get(file_id))
            for file_id, pages in by_file.items()
            if file_id not in known or known[file_id].adopted_at is None
        ]
        await self._coach.coaching.request_derivations(wanted)
        return pb.ApplySizeAdviceResponse(advice=await self._told(claims, request))

    async def _wanted(
        self, claims: Claims, advice: Advice, method: Method, file_id: str, pages: tuple[PageAdvice, ...],
        earlier: Derivation | None,
    ) -> tuple[Subject, Derivation]:  # fmt: skip
        """A new one, or the one that is being made or was stopped: asking for that again lets it go on."""
        if await self._coach.files.describe(claims.dossier_id, claims.organisation_path, file_id) is None:
            raise changed()
        subject = Subject(file_id=file_id, dossier_id=claims.dossier_id, organisation_path=claims.organisation_path)
        if earlier is not None:
            return subject, earlier
        return subject, Derivation(
            file_id=self._coach.ids.new(),
            from_file_id=file_id,
            advice_id=advice.advice_id,
            method=method,
            pages=pages,
            asked_by=claims.actor,
            asked_at=self._coach.clock.now(),
            tools=advice.tools,
        )

    async def GetAdvicePicture(
        self, request: pb.GetAdvicePictureRequest, context: Context
    ) -> pb.GetAdvicePictureResponse:
        """See the contract."""
        claims = dossier_of_caller(request.dossier_id)
        advice = await self._advice(claims, request)
        for page in advice.pages if advice is not None else ():
            if (page.file_id, page.page) == (request.page_file_id, request.page):
                key = _keys(page, request.method).get("crop" if request.crop else "page")
                return pb.GetAdvicePictureResponse(jpeg=await self._picture(key))
        raise not_found("page")

    async def _picture(self, key: str | None) -> bytes:
        if key is None:
            raise not_found("picture")
        try:
            return await self._coach.store.read(key, 0, _PICTURE_BYTES)
        except ObjectMissing as error:
            raise not_found("picture") from error

    async def GetDerivation(self, request: pb.GetDerivationRequest, context: Context) -> pb.GetDerivationResponse:
        """See the contract."""
        claims = dossier_of_caller(request.dossier_id)
        found = await self._coach.coaching.derivation(claims.dossier_id, claims.organisation_path, request.file_id)
        if found is None or found.adopted_at is None:
            raise not_found("derivation")
        return pb.GetDerivationResponse(derivation=_derivation(found))

    async def ListDerivations(self, request: pb.ListDerivationsRequest, context: Context) -> pb.ListDerivationsResponse:
        """See the contract."""
        claims = dossier_of_caller(request.dossier_id)
        found = await self._coach.coaching.adopted(claims.dossier_id, claims.organisation_path)
        return pb.ListDerivationsResponse(derivations=[_derivation(each) for each in found])

    async def _advice(self, claims: Claims, request: _Request) -> Advice | None:
        return await self._coach.coaching.advice(claims.dossier_id, claims.organisation_path, _about(request))

    async def _derivations(self, claims: Claims, advice: Advice | None) -> Sequence[Derivation]:
        if advice is None:
            return []
        where = (claims.dossier_id, claims.organisation_path)
        return await self._coach.coaching.derivations_of(*where, advice.advice_id)

    async def _stage(self, claims: Claims, subject_id: str, stage: str) -> Job | None:
        jobs = await self._coach.queue.latest_of(claims.dossier_id, subject_id)
        return next((job for job in jobs if job.stage == stage), None)

    async def _job(self, claims: Claims, request: _Request) -> Job | None:
        """The one that measures."""
        return await self._stage(claims, _about(request), _stage_of(request))

    async def _shrinking(self, claims: Claims, request: _Request) -> dict[str, Job | None]:
        """New file → the job that makes it."""
        found: dict[str, Job | None] = {}
        for each in await self._derivations(claims, await self._advice(claims, request)):
            job = await self._stage(claims, each.from_file_id, "shrink")
            found[each.file_id] = job if job is not None and job.argument == each.file_id else None
        return found

    async def _begin(self, claims: Claims, request: _Request) -> None:
        """Raises `AppError` request.not-found, coach.not-too-large."""
        where = (claims.dossier_id, claims.organisation_path)
        request_id = self._coach.ids.new()
        subject = Subject(file_id=request.file_id, dossier_id=where[0], organisation_path=where[1])
        if request.WhichOneof("subject") == "material_id":
            subject = replace(subject, file_id="", material_id=request.material_id)
            merged = await self._coach.reports.merged(*where, request.material_id)
            if merged is None:
                raise not_found("merged")
            if not any(finding.code == "pdf.item-too-large" for finding in merged.findings):
                raise AppError("coach.not-too-large", Kind.PRECONDITION)
            argument = merged.recipe_sha256
        else:
            file = await self._coach.files.describe(*where, request.file_id)
            report = await self._coach.reports.report(*where, request.file_id)
            if file is None or report is None:
                raise not_found("file")
            if not any(finding.code == "pdf.page-too-large" for finding in report.findings):
                raise AppError("coach.not-too-large", Kind.PRECONDITION)
            argument = f"{file.material_id}/{file.item_id}/{file.component_id}"
        await self._coach.coaching.request_advice(subject, _stage_of(request), argument, request_id)

    async def _told(self, claims: Claims, request: _Request) -> pb.SizeAdvice:
        """Raises `AppError` request.not-found when there was never anything to tell.

        Jobs are read first: one that is done has left what it made.
        """
        job, jobs = await self._job(claims, request), await self._shrinking(claims, request)
        advice = await self._advice(claims, request)
        if advice is None and job is None:
            raise not_found("advice")
        told = advice or Advice(advice_id="")
        newest = {each.from_file_id: each for each in await self._derivations(claims, advice)}
        return pb.SizeAdvice(
            advice_id=told.advice_id,
            state=job.state if job is not None else "done",
            progress=job.progress if job is not None else 1,
            pages=[_page(page) for page in told.pages],
            refusal=told.refusal or "",
            over_bytes=told.over_bytes,
            plans=[_plan(told, method) for method in Method if told.chosen(method)],
            shrinking=[_made(each, jobs.get(each.file_id)) for each in newest.values()],
        )


def _about(request: _Request) -> str:
    return request.material_id if request.WhichOneof("subject") == "material_id" else request.file_id


def _stage_of(request: _Request) -> str:
    return "advise-item" if request.WhichOneof("subject") == "material_id" else "advise"


def _keys(page: PageAdvice, method: str) -> Mapping[str, str]:
    """What shows the page as it is, or as it would be."""
    if not method:
        return page.keys
    return next((offer.keys for offer in page.offers if offer.method == method), {})


def _page(page: PageAdvice) -> pb.PageAdvice:
    return pb.PageAdvice(
        file_id=page.file_id,
        page=page.page,
        size_bytes=page.size_bytes,
        pictures=[
            pb.AdvisedPicture(
                width_px=each.width_px, height_px=each.height_px, size_bytes=each.size_bytes, kind=each.kind,
                dpi=each.dpi, quality=each.quality,
            )
            for each in page.pictures
        ],
        other_bytes=page.other_bytes,
        reasons=list(page.reasons),
        offers=[_offer(offer) for offer in page.offers],
        refusal=page.refusal or "",
    )  # fmt: skip


def _offer(offer: Offer) -> pb.SizeOffer:
    return pb.SizeOffer(
        method=offer.method, page_bytes=offer.page_bytes, ssim=offer.ssim, dpi=offer.dpi, quality=offer.quality,
        pictures=offer.pictures, fits=offer.fits,
    )  # fmt: skip


def _plan(advice: Advice, method: Method) -> pb.SizePlan:
    return pb.SizePlan(
        method=method,
        pages=[pb.PageOrigin(file_id=page.file_id, page=page.page) for page in advice.chosen(method)],
        saved_bytes=advice.saved_bytes(method),
        suffices=advice.suffices(method),
    )


def _made(derivation: Derivation, job: Job | None) -> pb.Shrinking:
    done = derivation.adopted_at is not None
    return pb.Shrinking(
        file_id=derivation.file_id,
        from_file_id=derivation.from_file_id,
        method=derivation.method,
        state="done" if done or derivation.problem else job.state if job is not None else "queued",
        progress=1 if done else job.progress if job is not None else 0,
        problem=derivation.problem,
    )


def _derivation(found: Derivation) -> pb.Derivation:
    told = pb.Derivation(
        file_id=found.file_id,
        from_file_id=found.from_file_id,
        from_sha256=found.from_sha256,
        from_size_bytes=found.from_size_bytes,
        sha256=found.sha256,
        size_bytes=found.size_bytes,
        method=found.method,
        pages=[_page(page) for page in found.pages],
        tools=found.tools,
        ssim=found.least_ssim,
        asked_by=found.asked_by,
    )
    told.asked_at.FromDatetime(found.asked_at)
    if found.adopted_at is not None:
        told.adopted_at.FromDatetime(found.adopted_at)
    if found.taken_back_at is not None:
        told.taken_back_at.FromDatetime(found.taken_back_at)
    return told
