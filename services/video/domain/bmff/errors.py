"""What can be wrong with a file, as types and reasons; the words for each reason are in `messages/video.yaml`."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a file was refused, in one word; `messages/video.yaml` explains each to the applicant."""

    # not an mp4
    QUICKTIME = "quicktime"
    OTHER_BRAND = "other-brand"
    OTHER_CONTENT = "other-content"
    # truncated
    NO_INDEX = "no-index"
    BOX_PAST_END = "box-past-end"
    SAMPLE_PAST_END = "sample-past-end"
    # damaged
    BOX_SIZE = "box-size"
    TOO_MANY_BOXES = "too-many-boxes"
    INDEX_TOO_LARGE = "index-too-large"
    TABLE_TOO_LARGE = "table-too-large"
    TABLE_SHORT = "table-short"
    MISSING_BOX = "missing-box"
    DUPLICATE_BOX = "duplicate-box"
    CONTRADICTION = "contradiction"
    BAD_VALUE = "bad-value"
    EXTERNAL_DATA = "external-data"
    COMPRESSED_INDEX = "compressed-index"


class BmffError(Exception):
    """A file that cannot be judged. `offset` is where in the file, in bytes; `found` what stands there (ASCII)."""

    def __init__(self, reason: Reason, *, offset: int | None = None, found: str = "") -> None:
        """Raised by the reader only; use cases turn it into a finding."""
        super().__init__(f"{reason.value} at {offset}: {found}")
        self.reason = reason
        self.offset = offset
        self.found = found


class NotMp4(BmffError):
    """The content is something else than an mp4 (M15-2e)."""


class Truncated(BmffError):
    """The file ends before what its own structure announces."""


class Damaged(BmffError):
    """The structure contradicts itself or the standard, or goes beyond what the reader is willing to hold."""
