"""The UploadService of `proto/upload/v1`: requests in, use cases, answers out."""

from collections.abc import Sequence
from functools import partial

from google.protobuf.timestamp_pb2 import Timestamp

from services.gen.common.v1 import common_pb2
from services.gen.upload.v1 import upload_pb2 as pb
from services.gen.upload.v1 import upload_pb2_grpc
from services.kernel.errors import AppError, Kind
from services.kernel.grpc_server import Context as CallContext
from services.kernel.grpc_server import Servicer, dossier_of_caller
from services.kernel.storage.port import Excerpt, PresignedRequest, StoredPart
from services.upload.domain.records import File, FileState, Place, Upload, UploadState
from services.upload.ports import Scope
from services.upload.usecases import adoption, completion, files, sessions
from services.upload.usecases.context import Context

_UPLOAD_STATES = {
    UploadState.OPEN: pb.UPLOAD_STATE_OPEN,
    UploadState.COMPLETING: pb.UPLOAD_STATE_COMPLETING,
    UploadState.COMPLETED: pb.UPLOAD_STATE_COMPLETED,
    UploadState.ABORTED: pb.UPLOAD_STATE_ABORTED,
}
_FILE_STATES = {
    FileState.STORED: pb.FILE_STATE_STORED,
    FileState.VERIFIED: pb.FILE_STATE_VERIFIED,
    FileState.REJECTED: pb.FILE_STATE_REJECTED,
    FileState.DELETED: pb.FILE_STATE_DELETED,
    FileState.REPLACED: pb.FILE_STATE_REPLACED,
}
#: Which actions of a token allow which sort of call; a service may do what its token's dossier allows.
_READS = frozenset({"view", "upload", "delete", "read"})


def _scope(dossier_id: str, actions: frozenset[str]) -> Scope:
    """The token's scope. Raises `AppError` request.not-found or token.wrong-action."""
    claims = dossier_of_caller(dossier_id)
    if claims.action not in actions:
        raise AppError("token.wrong-action", Kind.FORBIDDEN, action=claims.action)
    return Scope(organisation_path=claims.organisation_path, dossier_id=claims.dossier_id)


def _upload(upload: Upload) -> pb.Upload:
    answer = pb.Upload(
        upload_id=upload.upload_id,
        file_id=upload.file_id,
        state=_UPLOAD_STATES[upload.state],
        size_bytes=upload.size_bytes,
        part_size_bytes=upload.part_size_bytes,
        part_count=upload.part_count,
    )
    answer.expires_at.FromDatetime(upload.expires_at)
    return answer


def _parts(parts: Sequence[StoredPart]) -> list[pb.StoredPart]:
    return [pb.StoredPart(number=part.number, size_bytes=part.size_bytes, sha256=part.sha256) for part in parts]


def _file(file: File) -> pb.File:
    stored_at = Timestamp()
    stored_at.FromDatetime(file.stored_at)
    return pb.File(
        file_id=file.file_id,
        dossier_id=file.place.dossier_id,
        material_id=file.place.material_id,
        item_id=file.place.item_id,
        component_id=file.place.component_id,
        state=_FILE_STATES[file.state],
        file_name=file.file_name,
        size_bytes=file.size_bytes,
        media_type=file.media_type,
        sha256=file.sha256,
        object_key=file.object_key,
        etag=file.etag,
        stored_at=stored_at,
        rejection_code=file.rejection_code,
        organisation_path=file.place.organisation_path,
        version=file.version,
        replaces_file_id=file.replaces,
    )


def _presigned(request: PresignedRequest) -> common_pb2.PresignedRequest:
    answer = common_pb2.PresignedRequest(method=request.method, url=request.url, headers=dict(request.headers))
    answer.expires_at.FromDatetime(request.expires_at)
    return answer


class UploadApi(upload_pb2_grpc.UploadServiceServicer):
    """Every call's token names the dossier; a dossier that it does not name is not found."""

    def __init__(self, context: Context) -> None:
        """`context` holds the ports."""
        self._context = context

    async def CreateUpload(self, request: pb.CreateUploadRequest, context: CallContext) -> pb.CreateUploadResponse:
        """See the contract."""
        scope = _scope(request.dossier_id, frozenset({"upload"}))
        place = Place(
            dossier_id=scope.dossier_id,
            organisation_path=scope.organisation_path,
            material_id=request.material_id,
            item_id=request.item_id,
            component_id=request.component_id,
        )
        new = sessions.NewUpload(
            place=place,
            file_name=request.file_name,
            size_bytes=request.size_bytes,
            declared_sha256=request.declared_sha256,
        )
        upload, parts = await sessions.create_upload(self._context, new)
        return pb.CreateUploadResponse(upload=_upload(upload), parts=_parts(parts))

    async def PresignParts(self, request: pb.PresignPartsRequest, context: CallContext) -> pb.PresignPartsResponse:
        """See the contract."""
        scope = _scope(request.dossier_id, frozenset({"upload"}))
        parts = [sessions.PartToSend(number=p.number, size_bytes=p.size_bytes, sha256=p.sha256) for p in request.parts]
        signed = await sessions.presign_parts(self._context, scope, request.upload_id, parts)
        return pb.PresignPartsResponse(
            parts=[pb.PresignedPart(number=number, request=_presigned(presigned)) for number, presigned in signed]
        )

    async def ListParts(self, request: pb.ListPartsRequest, context: CallContext) -> pb.ListPartsResponse:
        """See the contract."""
        scope = _scope(request.dossier_id, frozenset({"upload"}))
        upload, parts = await sessions.list_parts(self._context, scope, request.upload_id)
        return pb.ListPartsResponse(upload=_upload(upload), parts=_parts(parts))

    async def CompleteUpload(
        self, request: pb.CompleteUploadRequest, context: CallContext
    ) -> pb.CompleteUploadResponse:
        """See the contract."""
        scope = _scope(request.dossier_id, frozenset({"upload"}))
        file = await completion.complete_upload(self._context, scope, request.upload_id, request.declared_sha256)
        return pb.CompleteUploadResponse(file=_file(file))

    async def AbortUpload(self, request: pb.AbortUploadRequest, context: CallContext) -> pb.AbortUploadResponse:
        """See the contract."""
        await sessions.abort_upload(self._context, _scope(request.dossier_id, frozenset({"upload"})), request.upload_id)
        return pb.AbortUploadResponse()

    async def DescribeFile(self, request: pb.DescribeFileRequest, context: CallContext) -> pb.DescribeFileResponse:
        """See the contract."""
        file = await files.describe_file(
            self._context, _scope(request.dossier_id, _READS), request.file_id, replaced_too=request.replaced_too
        )
        return pb.DescribeFileResponse(file=_file(file))

    async def ListFiles(self, request: pb.ListFilesRequest, context: CallContext) -> pb.ListFilesResponse:
        """See the contract."""
        found = await files.list_files(self._context, _scope(request.dossier_id, _READS))
        return pb.ListFilesResponse(files=[_file(file) for file in found])

    async def DeleteFile(self, request: pb.DeleteFileRequest, context: CallContext) -> pb.DeleteFileResponse:
        """See the contract."""
        await files.delete_file(self._context, _scope(request.dossier_id, frozenset({"delete"})), request.file_id)
        return pb.DeleteFileResponse()

    async def RenameFile(self, request: pb.RenameFileRequest, context: CallContext) -> pb.RenameFileResponse:
        """See the contract."""
        scope = _scope(request.dossier_id, frozenset({"delete"}))
        return pb.RenameFileResponse(
            file=_file(await files.rename_file(self._context, scope, request.file_id, request.file_name))
        )

    async def AdoptFile(self, request: pb.AdoptFileRequest, context: CallContext) -> pb.AdoptFileResponse:
        """See the contract."""
        scope = _scope(request.dossier_id, frozenset({"upload"}))
        new = adoption.Adopted(
            file_id=request.file_id,
            place=Place(
                dossier_id=scope.dossier_id,
                organisation_path=scope.organisation_path,
                material_id=request.material_id,
                item_id=request.item_id,
                component_id=request.component_id,
            ),
            file_name=request.file_name,
            source=Excerpt(
                key=request.source_key, etag=request.source_etag, offset=0, length=max(0, request.size_bytes)
            ),
            replaces=request.replaces_file_id,
        )
        return pb.AdoptFileResponse(file=_file(await adoption.adopt_file(self._context, scope, new)))

    async def RestoreOriginal(
        self, request: pb.RestoreOriginalRequest, context: CallContext
    ) -> pb.RestoreOriginalResponse:
        """See the contract."""
        scope = _scope(request.dossier_id, frozenset({"delete"}))
        return pb.RestoreOriginalResponse(
            file=_file(await files.restore_original(self._context, scope, request.file_id))
        )

    async def PresignDownload(
        self, request: pb.PresignDownloadRequest, context: CallContext
    ) -> pb.PresignDownloadResponse:
        """See the contract."""
        presigned = await files.presign_download(
            self._context, _scope(request.dossier_id, _READS), request.file_id, replaced_too=request.replaced_too
        )
        return pb.PresignDownloadResponse(request=_presigned(presigned))


def servicer(context: Context) -> Servicer:
    """The service, ready to be registered."""
    register = partial(upload_pb2_grpc.add_UploadServiceServicer_to_server, UploadApi(context))
    return Servicer(name=pb.DESCRIPTOR.services_by_name["UploadService"].full_name, register=register)
