"""What pages and API ask about texts that are typed instead of being sent (M15-2h, M15-10)."""

from fastapi import Request

from services.gateway.guard import Gateway
from services.gateway.languages import language
from services.gateway.plain import Data, plain
from services.gen.pdfcheck.v1 import pdfcheck_pb2 as pb
from services.kernel.errors import AppError, Kind
from services.kernel.grpc_client import call

#: Typesetting takes a second or two, the copy inside the store another.
_DEADLINE_S = 60.0


async def typed(
    request: Request, gateway: Gateway, account_id: str, dossier_id: str, place: tuple[str, str]
) -> Data:  # fmt: skip
    """The text that is the file of `place` (material, component) now. Raises `AppError` request.not-found."""
    grant = await gateway.peers.authorise(account_id, dossier_id, "view")
    asked = pb.GetTypedTextRequest(dossier_id=dossier_id, material_id=place[0], component_id=place[1])
    found = await call(gateway.peers.pdfcheck.GetTypedText, asked, token=grant.pdfcheck, idempotent=True)
    return plain(found.text, language(request))


async def put(
    request: Request, gateway: Gateway, account_id: str, dossier_id: str, place: tuple[str, str], new_id: str, text: str
) -> Data:
    """Make a text the file of `place`, under `new_id`. Raises `AppError` request.not-found, text.*, and what keeps a
    dossier from being changed or a file from being sent.
    """
    material_id, component_id = place
    halves = sorted({character for character in text if "\ud800" <= character <= "\udfff"})
    if halves:  # of pairs, as JSON may have them: no message can carry one
        raise AppError("text.not-shown", Kind.INVALID, characters=f"U+{ord(halves[0]):04X}", count=len(halves))
    grant = await gateway.peers.authorise(
        account_id, dossier_id, "upload", material_id=material_id, component_id=component_id
    )
    asked = pb.PutTypedTextRequest(
        dossier_id=dossier_id, material_id=material_id, item_id=grant.item_id, component_id=component_id,
        file_id=new_id, text=text,
    )  # fmt: skip
    made = await call(gateway.peers.pdfcheck.PutTypedText, asked, token=grant.pdfcheck, timeout_s=_DEADLINE_S)
    return plain(made.text, language(request))
