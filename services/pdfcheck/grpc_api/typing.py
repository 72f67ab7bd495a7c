"""Calls about texts that are typed instead of being sent (M15-2h, M15-10)."""

from services.gen.pdfcheck.v1 import pdfcheck_pb2 as pb
from services.kernel.errors import not_found
from services.kernel.grpc_server import Context, dossier_of_caller, owner_of_dossier
from services.kernel.tokens import Claims
from services.pdfcheck.domain.lengths import counted
from services.pdfcheck.ports import Subject, TypedText
from services.pdfcheck.usecases.typed import Desk


class TypingCalls:
    """Whoever may see the dossier may see a text; its applicant may change it."""

    _desk: Desk

    async def GetTypedText(self, request: pb.GetTypedTextRequest, context: Context) -> pb.GetTypedTextResponse:
        """See the contract."""
        claims = dossier_of_caller(request.dossier_id)
        found = await self._desk.current(_place(claims, request))
        if found is None:
            raise not_found("text")
        return pb.GetTypedTextResponse(text=_told(found))

    async def PutTypedText(self, request: pb.PutTypedTextRequest, context: Context) -> pb.PutTypedTextResponse:
        """See the contract."""
        claims = owner_of_dossier(request.dossier_id)
        return pb.PutTypedTextResponse(text=_told(await self._desk.put(_place(claims, request), request.text)))


def _place(claims: Claims, request: pb.GetTypedTextRequest | pb.PutTypedTextRequest) -> Subject:
    return Subject(
        file_id=request.file_id if isinstance(request, pb.PutTypedTextRequest) else "",
        dossier_id=claims.dossier_id,
        organisation_path=claims.organisation_path,
        material_id=request.material_id,
        item_id=request.item_id if isinstance(request, pb.PutTypedTextRequest) else "",
        component_id=request.component_id,
    )


def _told(text: TypedText) -> pb.TypedText:
    told = pb.TypedText(file_id=text.file_id, text=text.text, characters=counted(text.text))
    told.typed_at.FromDatetime(text.typed_at)
    return told
