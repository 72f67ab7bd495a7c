"""The small pictures of pages in which they are compared."""

from dataclasses import dataclass

from services.kernel.errors import not_found
from services.kernel.storage.port import ObjectStore
from services.kernel.stored_files import ObjectSource, StoredFiles
from services.pdfcheck.ports import Reports
from services.pdfcheck.usecases.pictures import WIDTHS_PX, Pictured, Pictures, folder_of_file


@dataclass(frozen=True, kw_only=True, slots=True)
class SmallPictures:
    """Of files that are in use: one that was deleted or replaced has none."""

    files: StoredFiles
    reports: Reports
    store: ObjectStore
    pictures: Pictures

    async def of(self, dossier_id: str, organisation_path: str, file_id: str, page: int) -> bytes:
        """A page (from 1), 240 pixels wide, a JPEG. Raises `AppError` request.not-found, picture.not-possible."""
        where = (dossier_id, organisation_path, file_id)
        file, report = await self.files.describe(*where), await self.reports.report(*where)
        if file is None or report is None:
            raise not_found("file")

        async def is_there() -> bool:
            return await self.files.describe(*where, replaced_too=True) is not None

        pictured = Pictured(
            source=ObjectSource(self.store, file), folder=folder_of_file(dossier_id, file_id),
            pages=len(report.page_bytes), is_there=is_there,
        )  # fmt: skip
        return await self.pictures.jpeg(pictured, page, WIDTHS_PX[0])
