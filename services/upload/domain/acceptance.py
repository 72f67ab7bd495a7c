"""What an item does not accept is refused before a byte moves. Pure; limits come from the catalogue."""

from services.catalogue.model import Catalogue, Item
from services.kernel.errors import AppError, Kind
from services.upload.domain.records import MAX_PARTS, Place, extension_of

#: Extensions by which people name what a part may be. What a file really is, is told by its content afterwards.
EXTENSIONS = {
    "pdf": ("pdf",),
    "jpeg": ("jpg", "jpeg", "jpe", "jfif"),
    "png": ("png",),
    "tiff": ("tif", "tiff"),
    "heic": ("heic", "heif"),
    "mp4": ("mp4", "m4v", "mov"),
}


def accepted_media(catalogue: Catalogue, item: Item) -> tuple[str, ...]:
    """The media that a part of `item` may have today: what the item takes and, for documents, the merge can read."""
    if item.is_video:
        return item.part_media
    return tuple(medium for medium in item.part_media if medium in catalogue.mergeable)


def check_acceptance(catalogue: Catalogue, place: Place, file_name: str, size_bytes: int, part_size_bytes: int) -> None:
    """Refuse an unknown item or component, an extension that the item does not take, and what can never fit.

    Raises `AppError` catalogue.no-such-item, catalogue.no-such-component, upload.media-not-accepted (G-04, M15-2e),
    upload.too-large.
    """
    item = catalogue.item(place.item_id)
    item.component(place.component_id)
    media = accepted_media(catalogue, item)
    extension = extension_of(file_name)
    if not any(extension in EXTENSIONS[medium] for medium in media):
        raise AppError(
            "upload.media-not-accepted", Kind.UNSUPPORTED, item=item.id, extension=extension, allowed=", ".join(media)
        )
    most = catalogue.defaults.video_max_bytes if item.is_video else _most_document_bytes(catalogue, item)
    most = min(most, part_size_bytes * MAX_PARTS)
    if size_bytes > most:
        raise AppError("upload.too-large", Kind.TOO_LARGE, item=item.id, size_bytes=size_bytes, most_bytes=most)


def _most_document_bytes(catalogue: Catalogue, item: Item) -> int:
    """A part may exceed the item's limit (a photograph shrinks, a page is dropped), but not without end."""
    limit = catalogue.item_bytes(item)
    return catalogue.defaults.document_max_bytes if limit is None else 4 * limit


def check_quota(held_bytes: int, size_bytes: int, quota_bytes: int) -> None:
    """Refuse what would exceed a dossier's share of the store. Raises `AppError` upload.quota."""
    if held_bytes + size_bytes > quota_bytes:
        raise AppError(
            "upload.quota", Kind.TOO_LARGE, held_bytes=held_bytes, size_bytes=size_bytes, most_bytes=quota_bytes
        )
