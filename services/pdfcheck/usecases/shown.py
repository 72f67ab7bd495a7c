"""What can be looked at: a file as it was sent, and the merged PDF of a material."""

from services.kernel.errors import not_found
from services.kernel.storage.port import ObjectMissing, ObjectStore
from services.kernel.stored_files import ObjectSource, StoredFiles, StoredSource
from services.pdfcheck.ports import Writing
from services.pdfcheck.usecases.pictures import MOST_PAGES, Pictured, folder_of_file, folder_of_merged


class Shown:
    """Finds documents with what is kept of them."""

    def __init__(self, reports: Writing, files: StoredFiles, store: ObjectStore) -> None:
        """Nothing is asked yet."""
        self._reports = reports
        self._files = files
        self._store = store

    async def file(self, dossier_id: str, organisation_path: str, file_id: str) -> Pictured:
        """A file, also one that was submitted and replaced since. Raises `AppError` request.not-found."""
        where = (dossier_id, organisation_path, file_id)
        file = await self._files.describe(*where, replaced_too=True)
        report = await self._reports.report(*where)
        if file is None:
            raise not_found("file")

        async def is_there() -> bool:
            return await self._files.describe(*where, replaced_too=True) is not None

        return Pictured(
            source=ObjectSource(self._store, file),
            folder=folder_of_file(dossier_id, file_id),
            pages=len(report.page_bytes) if report is not None else MOST_PAGES,
            is_there=is_there,
        )

    async def merged(self, dossier_id: str, organisation_path: str, material_id: str) -> Pictured:
        """The merged PDF of a material. Raises `AppError` request.not-found."""
        where = (dossier_id, organisation_path, material_id)
        merged = await self._reports.merged(*where)
        if merged is None or not merged.object_key:
            raise not_found("merged")
        try:
            info = await self._store.head(merged.object_key)
        except ObjectMissing as error:
            raise not_found("merged") from error

        async def is_there() -> bool:
            """What is made once its material has changed would stay when the merged PDF is thrown away."""
            present, recipe = await self._reports.merged(*where), await self._reports.recipe(*where)
            same = present is not None and present.object_key == merged.object_key
            return same and recipe is not None and recipe.recipe_sha256 == merged.recipe_sha256

        return Pictured(
            source=StoredSource(self._store, merged.object_key, info.size_bytes, info.etag),
            folder=folder_of_merged(merged.object_key),
            pages=merged.pages,
            is_there=is_there,
        )
