"""Uploads, files, and what was made from them."""

from typing import Literal

from pydantic import Field

from services.gateway.schemas.common import Answer, Bytes, Finding, Id, Moment, Presigned, Sha256, Verdict, Version


class StoredPart(Answer):
    """A part that is safely there."""

    number: int = Field(examples=[1], description="from 1")
    size_bytes: Bytes
    sha256: Sha256


class Upload(Answer):
    """An upload session."""

    upload_id: Id
    file_id: Id = Field(description="the file that it becomes")
    state: Literal["open", "completing", "completed", "aborted"] = Field(examples=["open"])
    size_bytes: Bytes
    part_size_bytes: int = Field(examples=[16_777_216], description="of every part but the last")
    part_count: int = Field(examples=[1])
    expires_at: Moment | None
    parts: list[StoredPart] = Field(description="what is there already")


class PresignedPart(Answer):
    """Where one part goes."""

    number: int = Field(examples=[1])
    request: Presigned | None


class PresignedParts(Answer):
    """Where the parts go."""

    parts: list[PresignedPart]


class File(Answer):
    """A file in the store."""

    file_id: Id
    dossier_id: Id
    material_id: Id
    item_id: str = Field(examples=["clinical_case"])
    component_id: str = Field(examples=["front_page"])
    state: Literal["stored", "verified", "rejected", "deleted", "replaced"] = Field(examples=["verified"])
    file_name: str = Field(examples=["病案首页.pdf"])
    size_bytes: Bytes
    media_type: str = Field(examples=["application/pdf"], description="by content, not by name")
    sha256: Sha256 = Field(description="empty until the whole file was verified")
    stored_at: Moment | None
    rejection_code: str = Field(examples=[""], description="set when rejected, such as file.hash-mismatch")
    version: Version
    replaces_file_id: str = Field(examples=[""], description="the original that it was made from and stands for")


class DocumentSignature(Answer):
    """Whom and when a signature in a document names; nothing of it is verified."""

    kind: Literal["approval", "certification", "timestamp", "usage-rights"] = Field(examples=["approval"])
    name: str = Field(examples=["张三"], description="as the signature says; empty for nothing")
    reason: str = Field(examples=["本人承诺材料真实"])
    signed_at: str = Field(examples=["2024-05-01T09:30:00+08:00"], description="ISO 8601, as the signature says")
    subject: str = Field(examples=["张三"], description="whom the certificate names")
    issuer: str = Field(examples=["测试 CA"], description="whom the certificate names as its issuer")
    valid_from: str = Field(examples=["2023-01-01"])
    valid_until: str = Field(examples=["2026-01-01"])
    fits: bool = Field(examples=[True], description="whether what it covers lies within the file")
    whole: bool = Field(examples=[True], description="whether it covers the file to its end")


class DocumentFacts(Answer):
    """What was measured on a document."""

    pages: int = Field(examples=[2])
    size_bytes: Bytes
    page_bytes: list[int] = Field(examples=[[921_600, 921_600]], description="of each page by itself (G-07)")
    largest_page_bytes: Bytes
    encrypted: bool = Field(examples=[False])
    signed: bool = Field(examples=[False])
    images_only: bool = Field(examples=[True])
    pictures: int = Field(examples=[2], description="decoded to see whether they are whole")
    unknown_pictures: int = Field(examples=[0], description="that nobody here can decode (JBIG2, fax)")
    page_characters: list[int] = Field(
        examples=[[812, -1]],
        description="of each page where the item limits a text (M15-2h, M15-10), -1 where none can be counted",
    )
    signatures: list[DocumentSignature] = Field(description="who signed, as the file says; not verified")


class DocumentReport(Answer):
    """The last check of a document."""

    kind: Literal["document"] = Field(examples=["document"])
    report_id: Id
    version: Version
    file_id: Id
    dossier_id: Id
    facts: DocumentFacts | None
    findings: list[Finding]
    verdict: Verdict
    checked_at: Moment | None
    pending: bool = Field(examples=[False], description="whether its pictures are still to be decoded")


class Rim(Answer):
    """The rim of a seal; a box in shares of the page, from its upper left."""

    score: float = Field(examples=[0.97], description="0 to 1: how much of the rim is there")
    left: float = Field(examples=[0.55])
    top: float = Field(examples=[0.7])
    width: float = Field(examples=[0.2])
    height: float = Field(examples=[0.14])


class SeenPage(Answer):
    """How clear one page is."""

    page: int = Field(examples=[1], description="from 1")
    dpi: float = Field(examples=[203.4], description="dots an inch, 0 where no picture makes the page")
    ink: float = Field(examples=[0.083], description="share of the sheet on which something stands")
    focus: float = Field(examples=[0.36], description="what a second blurring leaves of its edges; 0 for unknown")
    motion: float = Field(examples=[1.6], description="softer edges in one direction; 0 for unknown")
    chroma: float = Field(examples=[41.2], description="of its most colourful part, in CIE Lab")
    seal: Rim | None
    grey_seal: Rim | None
    upright: float = Field(examples=[0.9], description="1 upright, -1 upside down, 0 undecided")


class Quality(Answer):
    """A look at the pages of a document or picture: measurements, and hints for a person; none of them blocks."""

    quality_id: Id
    version: Version
    file_id: Id
    dossier_id: Id
    pages: list[SeenPage]
    findings: list[Finding] = Field(
        description="what can be said of the file alone; what depends on the item and the profile stands in the dossier"
    )
    looked_at: Moment | None


class Suggestion(Answer):
    """Which component a page most likely belongs to."""

    page: int = Field(examples=[2], description="from 1")
    component_id: str = Field(examples=["admission"], description="empty when nothing is suggested")
    confidence: float = Field(examples=[0.97], description="0 to 1")
    heading: str = Field(examples=["入院记录"], description="what was read; empty for a page that goes on")


class Suggestions(Answer):
    """What came of reading the headings of a file's pages."""

    state: Literal["working", "ready", "failed"] = Field(examples=["ready"])
    progress: float = Field(examples=[1.0], description="0 to 1")
    suggestions: list[Suggestion]


class Span(Answer):
    """A stretch of the presentation, in seconds."""

    start_s: float = Field(examples=[311.2])
    end_s: float = Field(examples=[342.0])


class VideoFacts(Answer):
    """What was measured on a video."""

    duration_s: float = Field(examples=[842.12], description="as presented (M15-2d)")
    media_duration_s: float = Field(examples=[842.12], description="as stored")
    width: int = Field(examples=[1920])
    height: int = Field(examples=[1080])
    fps: float = Field(examples=[25.0], description="on average")
    fps_lowest: float = Field(examples=[25.0], description="by the longest frame; as `fps_highest` when constant")
    fps_highest: float = Field(examples=[25.0], description="by the shortest frame")
    video_codec: str = Field(examples=["avc1"])
    audio_codec: str = Field(examples=["mp4a"])
    playable: bool = Field(examples=[True], description="by browsers, as it is; else a copy is made for looking")
    bytes_read: Bytes = Field(description="what the verdict needed to read")
    still: list[Span] = Field(description="where the picture stands still, told from the sizes of frames")
    stutter: list[Span] = Field(description="where the picture jerks, told from how long frames last")


class OpeningLine(Answer):
    """Text that stands together in a picture."""

    text: str = Field(examples=["手术名称：腹腔镜胆囊切除术"])
    confidence: float = Field(examples=[0.998], description="0 to 1, the recogniser's own")
    corners: list[float] = Field(
        examples=[[411.0, 210.0, 640.0, 210.0, 640.0, 262.0, 411.0, 262.0]],
        description="x and y of four corners in pixels, from where reading begins along the upper edge",
    )


class OpeningShot(Answer):
    """A picture of the opening."""

    time_s: float = Field(examples=[4.52])
    width_px: int = Field(examples=[1920])
    height_px: int = Field(examples=[1080])
    lines: list[OpeningLine]


class Opening(Answer):
    """What is written in a video's beginning (M15-2b). Without shots nothing of it could be shown."""

    opening_id: Id
    version: Version
    file_id: Id
    dossier_id: Id
    seconds: float = Field(examples=[15.0], description="how much of the video was looked at")
    shots: list[OpeningShot]
    read_at: Moment | None


class LookSample(Answer):
    """One picture of the look through a video."""

    time_s: float = Field(examples=[120.0])
    mean: float = Field(examples=[96.4], description="brightness, of 255")
    spread: float = Field(examples=[41.2], description="its standard deviation")
    sharpness: float = Field(examples=[312.8], description="variance of the Laplacian at full size")
    black: bool = Field(examples=[False])


class Look(Answer):
    """What a look through a video told (M15-2c). Without samples nothing could be shown."""

    look_id: Id
    version: Version
    file_id: Id
    dossier_id: Id
    samples: list[LookSample]
    findings: list[Finding]
    columns: int = Field(examples=[10], description="samples abreast in the storyboard")
    cell_width_px: int = Field(examples=[192])
    cell_height_px: int = Field(examples=[108])
    looked_at: Moment | None


class SheetField(Answer):
    """A name and what is said of it."""

    name: str = Field(examples=["format_profile"])
    value: str = Field(examples=["High@L4"])


class SheetSection(Answer):
    """Of the file or of one track."""

    kind: str = Field(examples=["Video"])
    fields: list[SheetField]


class Sheet(Answer):
    """What a video says of itself; headers lie, so no check relies on it."""

    sections: list[SheetSection]


class Stage(Answer):
    """A stage of a video by its last job."""

    stage: Literal["verdict", "opening", "look", "proxy", "titlecard", "disc"] = Field(examples=["opening"])
    state: Literal["queued", "leased", "done", "dead", "cancelled"] = Field(examples=["leased"])
    progress: float = Field(examples=[0.42], description="0 to 1")
    last_error: str = Field(examples=[""], description="a code of docs/errors.md when an attempt failed")
    can_retry: bool = Field(examples=[False])
    can_cancel: bool = Field(examples=[True], description="nothing that must be handed in hangs on it")


class Stages(Answer):
    """In the order in which they are worked off."""

    stages: list[Stage]


class TitleCard(Answer):
    """A video with an opening in front of it, as requested and as made (M15-2b)."""

    card_id: Id
    file_id: Id
    dossier_id: Id
    declared: dict[str, str] = Field(examples=[{"surgeon": "李川明", "operation": "腹腔镜胆囊切除术"}])
    seconds: float = Field(examples=[5.0])
    requested_at: Moment | None
    state: Literal["queued", "leased", "done", "dead", "cancelled"] = Field(examples=["done"])
    progress: float = Field(examples=[1.0], description="0 to 1")
    problem: str = Field(examples=[""], description="a code of docs/errors.md when it cannot be made")
    problem_params: dict[str, str] = Field(examples=[{}])
    card_s: float = Field(examples=[5.0], description="how long it stands")
    duration_s: float = Field(examples=[847.12], description="of the whole")
    findings: list[Finding] = Field(description="about the whole, before it is a file")
    size_bytes: Bytes


class ParsedName(Answer):
    """What the file's name says (M15-2f)."""

    name: str = Field(examples=["李川明"])
    id_number: str = Field(examples=["510106198001011239"])
    suggested: str = Field(examples=["李川明510106198001011239.mp4"], description="empty when it cannot be told")


class VideoReport(Answer):
    """The last check of a video."""

    kind: Literal["video"] = Field(examples=["video"])
    report_id: Id
    version: Version
    file_id: Id
    dossier_id: Id
    facts: VideoFacts | None
    parsed_name: ParsedName | None
    findings: list[Finding]
    verdict: Verdict
    checked_at: Moment | None
    file_version: int = Field(examples=[3], description="of the file when it was judged, its name included")


class Bookmark(Answer):
    """One bookmark of a merged PDF."""

    title: str = Field(examples=["病案首页"])
    page: int = Field(examples=[1], description="from 1, in the merged file")
    depth: int = Field(examples=[0], description="0 for a component, 1 for a part below it")


class PageOrigin(Answer):
    """Where a page of the merged PDF comes from."""

    file_id: Id
    page: int = Field(examples=[1], description="from 1, in that file")


class Merged(Answer):
    """The one PDF of a material (G-05), with a download."""

    merged_id: Id
    version: Version
    material_id: Id
    dossier_id: Id
    recipe_sha256: Sha256
    sha256: Sha256
    size_bytes: Bytes
    pages: int = Field(examples=[16])
    bookmarks: list[Bookmark]
    page_map: list[PageOrigin]
    findings: list[Finding]
    verdict: Verdict
    merged_at: Moment | None
    download: Presigned | None


class Disc(Answer):
    """The disc image of a surgery video (M15-2g), with a download."""

    disc_id: Id
    file_id: Id
    size_bytes: Bytes
    sha256: Sha256 = Field(description="of the whole image; empty where the store copied the video itself")
    file_name: str = Field(
        examples=["李川明510106198001011239.mp4"], description="of the only file on it, as read back"
    )
    file_sha256: Sha256
    label: str = Field(examples=["SHENBAO_2023"])
    built_at: Moment | None
    download: Presigned | None
