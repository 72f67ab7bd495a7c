"""A document's pages as they are seen, and what is written on them: what pages and the API ask."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Query

from services.catalogue.wording import Lang
from services.gateway.guard import Gateway
from services.gateway.plain import Data, plain
from services.gen.pdfcheck.v1 import pdfcheck_pb2 as pb
from services.kernel.grpc_client import call, stream

#: As addresses name them: a file as it was sent, or the merged PDF of a material.
Kind = Literal["files", "materials"]
#: What was typed into a page's form.
Searched = Annotated[str, Query(max_length=1000)]
#: A document of which nothing is kept yet is read as a whole.
_DEADLINE_S = 30.0
_STREAM_DEADLINE_S = 300.0
#: Of the pictures that are only told of.
_SMALL_PX = 240
#: How long a browser keeps a picture; its address names what it was made from.
_KEPT_S = 3600
#: A reviewer's picture bears who looked: nobody between may keep it, and nobody else who signs in here gets it.
HEADERS = {"Cache-Control": f"private, max-age={_KEPT_S}, immutable", "Vary": "Cookie"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """Which one, and who asks."""

    account_id: str
    dossier_id: str
    kind: Kind
    id: str

    @property
    def fields(self) -> dict[str, Any]:
        """As every request names it."""
        return {"dossier_id": self.dossier_id, "file_id" if self.kind == "files" else "material_id": self.id}


async def _token(gateway: Gateway, document: Document) -> str:
    return (await gateway.peers.authorise(document.account_id, document.dossier_id, "view")).pdfcheck


async def picture(gateway: Gateway, document: Document, page: int, width_px: int) -> bytes:
    """A page, a JPEG. Raises `AppError` request.not-found, picture.bad-width, picture.not-possible."""
    asked = pb.GetPagePictureRequest(**document.fields, page=page, width_px=width_px)
    token, asking_for = await _token(gateway, document), gateway.peers.pdfcheck.GetPagePicture
    return (await call(asking_for, asked, token=token, idempotent=True, timeout_s=_DEADLINE_S)).jpeg


async def text(gateway: Gateway, document: Document, page: int, lang: Lang) -> Data:
    """What is written on a page, in lines with their places. Raises `AppError` request.not-found."""
    asked = pb.GetPageTextRequest(**document.fields, page=page)
    token, asking_for = await _token(gateway, document), gateway.peers.pdfcheck.GetPageText
    found = await call(asking_for, asked, token=token, idempotent=True, timeout_s=_DEADLINE_S)
    return plain(found, lang)


async def search(gateway: Gateway, document: Document, query: str, lang: Lang) -> Data:
    """Where it is written. Raises `AppError` request.not-found, search.bad-query."""
    asked = pb.SearchTextRequest(**document.fields, query=query)
    token, asking_for = await _token(gateway, document), gateway.peers.pdfcheck.SearchText
    found = await call(asking_for, asked, token=token, idempotent=True, timeout_s=_DEADLINE_S)
    return plain(found, lang)


async def search_if_asked(gateway: Gateway, document: Document, query: str, lang: Lang) -> Data | None:
    """For a page with a form: None where nothing was typed."""
    return await search(gateway, document, query, lang) if query.strip() else None


async def ready(gateway: Gateway, document: Document) -> AsyncGenerator[pb.StreamPagePicturesResponse, None]:
    """Each page when its pictures are there. Raises `AppError` request.not-found with the first one asked for."""
    asked = pb.StreamPagePicturesRequest(**document.fields, width_px=_SMALL_PX, without_jpeg=True)
    token, asking_for = await _token(gateway, document), gateway.peers.pdfcheck.StreamPagePictures
    return stream(asking_for, asked, token=token, timeout_s=_STREAM_DEADLINE_S)
