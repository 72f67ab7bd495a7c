"""The calls about pictures of pages and what is written on them."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from services.gen.pdfcheck.v1 import pdfcheck_pb2 as pb
from services.kernel.clock import Clock
from services.kernel.errors import AppError, Kind, not_found
from services.kernel.grpc_server import Context, dossier_of_caller
from services.kernel.sandbox.port import Sandbox
from services.kernel.tokens import Claims
from services.pdfcheck.domain.mark import mark_of
from services.pdfcheck.domain.text import Box, DocumentText, Hit
from services.pdfcheck.usecases.all_pages import WAITED_FOR, pages_ready
from services.pdfcheck.usecases.pictures import SIZES_PX, DocumentGone, Pictured, Pictures
from services.pdfcheck.usecases.shown import Shown
from services.pdfcheck.usecases.text import Texts, search
from services.pdfcheck.usecases.watermark import watermarked

Asked = pb.GetPagePictureRequest | pb.StreamPagePicturesRequest | pb.GetPageTextRequest | pb.SearchTextRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class Previews:
    """What these calls need."""

    shown: Shown
    pictures: Pictures
    texts: Texts
    sandbox: Sandbox
    clock: Clock


class PreviewCalls:
    """Whose token says who looks is given pictures with that written on them."""

    _previews: Previews

    async def _pictured(self, request: Asked) -> tuple[Claims, Pictured]:
        claims = dossier_of_caller(request.dossier_id)
        where = (claims.dossier_id, claims.organisation_path)
        if request.WhichOneof("document") == "material_id":
            return claims, await self._previews.shown.merged(*where, request.material_id)
        return claims, await self._previews.shown.file(*where, request.file_id)

    async def _given(self, claims: Claims, jpeg: bytes, page: int) -> bytes:
        """As the caller may have it."""
        if not claims.viewer:
            return jpeg
        mark = mark_of(claims.viewer, claims.actor, self._previews.clock.now())
        return await watermarked(self._previews.sandbox, jpeg, mark, page=page)

    async def GetPagePicture(self, request: pb.GetPagePictureRequest, context: Context) -> pb.GetPagePictureResponse:
        """See the contract."""
        claims, pictured = await self._pictured(request)
        jpeg = await self._previews.pictures.jpeg(pictured, request.page, request.width_px)
        return pb.GetPagePictureResponse(jpeg=await self._given(claims, jpeg, request.page), pages=pictured.pages)

    async def StreamPagePictures(
        self, request: pb.StreamPagePicturesRequest, context: Context
    ) -> AsyncIterator[pb.StreamPagePicturesResponse]:
        """See the contract."""
        if request.width_px not in SIZES_PX:
            allowed = ", ".join(map(str, SIZES_PX))
            raise AppError("picture.bad-width", Kind.INVALID, measured=request.width_px, allowed=allowed)
        claims, pictured = await self._pictured(request)
        width = None if request.without_jpeg else request.width_px
        ready = pages_ready(self._previews.pictures, pictured, WAITED_FOR, width_px=width)
        async with contextlib.aclosing(ready) as pages:
            async for each in pages:
                jpeg = await self._given(claims, each.jpeg, each.page) if each.jpeg else b""
                yield pb.StreamPagePicturesResponse(page=each.page, pages=pictured.pages, jpeg=jpeg, drawn=each.drawn)

    async def _text(self, request: Asked) -> tuple[Pictured, DocumentText]:
        _, pictured = await self._pictured(request)
        try:
            return pictured, await self._previews.texts.of(pictured)
        except DocumentGone as error:
            raise not_found("file") from error

    async def GetPageText(self, request: pb.GetPageTextRequest, context: Context) -> pb.GetPageTextResponse:
        """See the contract."""
        _, text = await self._text(request)
        if not 1 <= request.page <= len(text.pages):
            raise not_found("page")
        lines = [pb.TextLine(text=line.text, box=_box(line.box)) for line in text.pages[request.page - 1]]
        return pb.GetPageTextResponse(
            lines=lines, pages=len(text.pages), pages_with_text=text.pages_with_text, cut=text.cut
        )

    async def SearchText(self, request: pb.SearchTextRequest, context: Context) -> pb.SearchTextResponse:
        """See the contract."""
        _, text = await self._text(request)
        found = await search(text, request.query)
        return pb.SearchTextResponse(
            hits=_hits(found.hits), found=found.count, pages=len(text.pages), pages_with_text=text.pages_with_text,
            cut=text.cut,
        )  # fmt: skip


def _hits(hits: Sequence[Hit]) -> list[pb.TextHit]:
    return [
        pb.TextHit(page=h.page, before=h.before, text=h.text, behind=h.behind, boxes=[_box(each) for each in h.boxes])
        for h in hits
    ]


def _box(box: Box) -> pb.Box:
    return pb.Box(left=box.left, top=box.top, right=box.right, bottom=box.bottom)
