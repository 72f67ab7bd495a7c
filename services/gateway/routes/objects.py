"""Presigned requests for the local object store: the same shape as S3's, answered here. S3 answers its own."""

from collections.abc import AsyncIterator
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response, StreamingResponse

from services.gateway.guard import AppGateway
from services.kernel.errors import AppError, Kind, not_found
from services.kernel.storage.endpoint import PresignedEndpoint
from services.kernel.storage.port import ObjectMissing, PartDamaged, PresignRefused, StoreFull, StoreUnavailable
from services.kernel.storage.presign import DIGEST_HEADER

router = APIRouter(prefix="/objects", tags=["objects"])
log = structlog.get_logger()


def _endpoint(gateway: AppGateway) -> PresignedEndpoint:
    """Raises `AppError` request.not-found where the store has an address of its own."""
    if gateway.objects is None:
        raise not_found("object")
    return gateway.objects


Endpoint = Annotated[PresignedEndpoint, Depends(_endpoint)]


def _refused(error: PresignRefused) -> AppError:
    log.info("presigned request refused", action="gateway.presign-refused", reason=error.reason)
    return AppError("objects.refused", Kind.FORBIDDEN)


@router.put("/parts/{key:path}", summary="Send a part")
async def put_part(request: Request, key: str, gateway: AppGateway, endpoint: Endpoint) -> Response:
    """Exactly the bytes that were signed; damaged ones are refused and nothing of them is kept."""
    length = request.headers.get("content-length", "")
    try:
        claim = gateway.signer.verify_part(
            method="PUT",
            key=key,
            query=request.url.query,
            content_length=int(length) if length.isdigit() else None,
            digest=request.headers.get(DIGEST_HEADER),
        )
        part = await endpoint.receive_part(claim, request.stream())
    except PresignRefused as error:
        raise _refused(error) from error
    except PartDamaged as error:
        raise AppError("upload.part-damaged", Kind.UNPROCESSABLE, retryable=True) from error
    except ObjectMissing as error:
        raise AppError("upload.ended", Kind.GONE, state="ended") from error
    except StoreFull as error:
        raise AppError("upload.store-full", Kind.UNAVAILABLE, retryable=True) from error
    except StoreUnavailable as error:
        raise AppError("service.unavailable", Kind.UNAVAILABLE, retryable=True) from error
    return Response(status_code=200, headers={"ETag": f'"{part.etag}"'})


@router.get("/files/{key:path}", summary="Download an object")
async def get_file(request: Request, key: str, gateway: AppGateway, endpoint: Endpoint) -> Response:
    """Always an attachment; ranges are answered."""
    try:
        claim = gateway.signer.verify_file(method=request.method, key=key, query=request.url.query)
        served = await endpoint.serve(
            claim, byte_range=request.headers.get("range"), if_range=request.headers.get("if-range")
        )
    except PresignRefused as error:
        raise _refused(error) from error
    except ObjectMissing as error:
        raise AppError("request.not-found", Kind.NOT_FOUND, what="object") from error
    except StoreUnavailable as error:
        raise AppError("service.unavailable", Kind.UNAVAILABLE, retryable=True) from error
    body: AsyncIterator[bytes] = served.body
    return StreamingResponse(body, status_code=served.status, headers=dict(served.headers))
