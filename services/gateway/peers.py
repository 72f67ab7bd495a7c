"""The four services as the gateway asks them: a channel and stub each, tokens minted or granted per call."""

import time
from dataclasses import dataclass

import grpc

from services.gateway.settings import Settings
from services.gen.operation.v1 import operation_pb2_grpc
from services.gen.pdfcheck.v1 import pdfcheck_pb2_grpc
from services.gen.review.v1 import review_pb2, review_pb2_grpc
from services.gen.upload.v1 import upload_pb2_grpc
from services.gen.video.v1 import video_pb2_grpc
from services.kernel.grpc_client import call, open_channel
from services.kernel.tokens import Claims, Tokens

_PARTS_GRANT_S = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """What `review` allows an actor to do with a dossier: a token per service."""

    item_id: str
    upload: str
    video: str
    pdfcheck: str


class Peers:
    """Channels to the services; closed by the application."""

    def __init__(self, settings: Settings, tokens: Tokens) -> None:
        """Nothing is asked yet."""
        self.channels: dict[str, grpc.aio.Channel] = {
            "upload": open_channel(settings.upload_address),
            "video": open_channel(settings.video_address),
            "pdfcheck": open_channel(settings.pdfcheck_address),
            "review": open_channel(settings.review_address),
        }
        self.upload = upload_pb2_grpc.UploadServiceStub(self.channels["upload"])
        self.video = video_pb2_grpc.VideoServiceStub(self.channels["video"])
        self.pdfcheck = pdfcheck_pb2_grpc.PdfcheckServiceStub(self.channels["pdfcheck"])
        self.review = review_pb2_grpc.ReviewServiceStub(self.channels["review"])
        self.operation = {
            name: operation_pb2_grpc.OperationServiceStub(channel) for name, channel in self.channels.items()
        }
        self._tokens = tokens
        self._grants: dict[tuple[str, str], tuple[float, Grant]] = {}

    def as_actor(self, account_id: str) -> str:
        """A token with which `review` knows who asks."""
        return self._tokens.mint(Claims(actor=account_id, audience="review", action="act"))

    def as_operator(self) -> str:
        """A token for setting up organisations and offices."""
        return self._tokens.mint(Claims(actor="service:gateway", audience="review", action="operate"))

    def operating(self, account_id: str, audience: str) -> str:
        """A token for an operator's call on a service; it names an action instead of a dossier."""
        return self._tokens.mint(Claims(actor=account_id, audience=audience, action="operate"))

    async def authorise(
        self, account_id: str, dossier_id: str, action: str, *, material_id: str = "", component_id: str = ""
    ) -> Grant:
        """Ask `review`. Raises the `AppError` that it raises; what may not be seen is request.not-found."""
        request = review_pb2.AuthoriseRequest(
            dossier_id=dossier_id,
            action=review_pb2.Action.Value(f"ACTION_{action.upper()}"),
            material_id=material_id,
            component_id=component_id,
        )
        answer = await call(self.review.Authorise, request, token=self.as_actor(account_id), idempotent=True)
        return Grant(
            item_id=answer.item_id,
            upload=answer.tokens["upload"],
            video=answer.tokens["video"],
            pdfcheck=answer.tokens["pdfcheck"],
        )

    async def authorise_parts(self, account_id: str, dossier_id: str) -> Grant:
        """As `authorise` for "upload", asked anew after `_PARTS_GRANT_S`: a large file has hundreds of parts.

        A part that is signed within that time after the dossier was handed in becomes nothing: completing asks again.
        """
        key, now = (account_id, dossier_id), time.monotonic()
        for known in [known for known, (since, _) in self._grants.items() if now - since > _PARTS_GRANT_S]:
            del self._grants[known]
        if key not in self._grants:
            self._grants[key] = (now, await self.authorise(account_id, dossier_id, "upload"))
        return self._grants[key][1]

    async def close(self) -> None:
        """Close every channel."""
        for channel in self.channels.values():
            await channel.close()
