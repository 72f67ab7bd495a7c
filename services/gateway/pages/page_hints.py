"""Hints about pages of files, as frames on the pages of the merged PDF."""

from collections.abc import Mapping, Sequence

from services.gateway.plain import Data


def on_pages(document: Data | None, material: Data) -> Mapping[int, Sequence[Data]]:
    """Page of the merged PDF → places to frame on it; hints about whole pages frame nothing there."""
    if document is None:
        return {}
    at = {(origin["file_id"], origin["page"]): page for page, origin in enumerate(document["page_map"], 1)}
    found: dict[int, list[Data]] = {}
    for file in material["files"]:
        for place in (finding["place"] for finding in file["findings"]):
            page = at.get((file["file_id"], place["page"])) if place is not None else None
            if page is not None and (place["width"] < 1 or place["height"] < 1):
                found.setdefault(page, []).append(place)
    return found
