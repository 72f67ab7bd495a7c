"""The call about pages that are in several dossiers."""

from services.gen.pdfcheck.v1 import pdfcheck_pb2 as pb
from services.kernel.errors import AppError, Kind
from services.kernel.grpc_server import Context, dossier_of_caller
from services.pdfcheck.ports import Twins

#: What a token is minted for that may be told of other dossiers; `review` gives it to nobody.
ACTION = "compare"


class TwinCalls:
    """A part of the service."""

    _twins: Twins

    async def ListTwins(self, request: pb.ListTwinsRequest, context: Context) -> pb.ListTwinsResponse:
        """See the contract."""
        claims = dossier_of_caller(request.dossier_id)
        if claims.action != ACTION:
            raise AppError("token.wrong-action", Kind.FORBIDDEN, action=claims.action)
        found = await self._twins.below(claims.dossier_id, claims.organisation_path, list(request.file_ids))
        return pb.ListTwinsResponse(
            twins=[
                pb.Twin(
                    file_id=each.file_id,
                    page=each.page,
                    other_dossier_id=each.other.dossier_id,
                    other_file_id=each.other.file_id,
                    other_page=each.other.page,
                    likeness=each.likeness,
                )
                for each in found
            ]
        )
