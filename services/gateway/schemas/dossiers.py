"""Dossiers, their materials, and what reviewers did with them."""

from typing import Any, Literal

from pydantic import Field

from services.gateway.schemas.common import Answer, Bytes, Finding, Id, Level, Moment, Sha256, Verdict, Version


class OpeningField(Answer):
    """What a video's opening says of one of six fields, beside what the applicant declared (M15-2b)."""

    name: Literal["surgeon", "employer", "department", "title", "operation", "date"] = Field(examples=["surgeon"])
    status: Literal["found", "similar", "missing", "unreadable"] = Field(
        examples=["found"], description="`found`: it says what was declared, or, with nothing declared, was read"
    )
    value: str = Field(examples=["李川明"], description="as read, empty where nothing was")
    declared: str = Field(examples=["李川明"])
    confidence: float = Field(examples=[0.998], description="0 to 1, the recogniser's own")
    time_s: float = Field(examples=[3.5])
    shot: int = Field(examples=[0], description="which picture of the opening, from 0; -1 for none")
    width_px: int = Field(examples=[1920])
    height_px: int = Field(examples=[1080])
    corners: list[float] = Field(
        examples=[[411.0, 210.0, 640.0, 210.0, 640.0, 262.0, 411.0, 262.0]],
        description="x and y of four corners for each piece of it, in pixels, from where reading begins",
    )


class MaterialFile(Answer):
    """A file of a material."""

    file_id: Id
    component_id: str = Field(examples=["front_page"])
    file_name: str = Field(examples=["病案首页.pdf"], description="for the applicant and the dossier's reviewers only")
    size_bytes: Bytes
    media_type: str = Field(examples=["application/pdf"], description="by content, not by name")
    sha256: Sha256
    state: Literal["stored", "checked", "verified", "rejected"] = Field(examples=["verified"])
    verdict: Verdict
    findings: list[Finding]
    pages: int = Field(examples=[2])
    duration_s: float = Field(examples=[0.0], description="of a video")
    opening: list[OpeningField] = Field(description="of a video whose opening was read; empty otherwise")


class MaterialMerged(Answer):
    """The one PDF of a material (G-05)."""

    merged_id: Id
    sha256: Sha256
    size_bytes: Bytes
    pages: int = Field(examples=[16])
    verdict: Verdict
    recipe_sha256: Sha256 = Field(description="identity of the ordered files that it was made from")


class MaterialDisc(Answer):
    """The disc image of a surgery video (M15-2g)."""

    disc_id: Id
    sha256: Sha256
    size_bytes: Bytes
    file_sha256: Sha256 = Field(description="of the video on it, as read back")


class Confirmation(Answer):
    """The three confirmations of one level for one material (G-13)."""

    level: Level
    compared_with_original: bool = Field(examples=[True])
    legible: bool = Field(examples=[True])
    authentic: bool = Field(examples=[True])
    manifest_sha256: Sha256 = Field(description="the files that were looked at")
    catalogue_version: str = Field(examples=["sichuan-2023.1"])
    confirmed_by: str = Field(examples=["王审单"])
    confirmed_at: Moment | None
    current: bool = Field(examples=[True], description="false once the material has changed")


class Defect(Answer):
    """One thing that a return asks to put right."""

    material_id: Id
    reason: str = Field(examples=["扫描件不清晰，请重新扫描原件后上传。"])
    resolved: bool = Field(examples=[False])


class Leaf(Answer):
    """A page of a file as the applicant put it."""

    file_id: Id
    page: int = Field(examples=[3], description="from 1")
    turn: int = Field(examples=[90], description="degrees clockwise")
    component_id: str = Field(examples=["course_record"])


class Material(Answer):
    """One entry that the applicant owes or added."""

    material_id: Id
    item_id: str = Field(examples=["clinical_case"])
    item_number: str = Field(examples=["15.1"])
    title_zh: str = Field(examples=["病历"])
    title_en: str = Field(examples=["Clinical case"])
    ordinal: int = Field(examples=[1], description="among the entries of the item, from 1")
    required: bool = Field(examples=[True])
    status: str = Field(
        examples=["passed"],
        description="worst first: missing, processing, failed, returned, passed, awaiting-confirmation, confirmed, "
        "accepted",
    )
    files: list[MaterialFile]
    merged: MaterialMerged | None
    disc: MaterialDisc | None
    confirmations: list[Confirmation]
    findings: list[Finding]
    manifest_sha256: Sha256 = Field(description="identity of the files and their order")
    version: Version
    earlier_files: list[MaterialFile] = Field(description="of the submission before, taken out since")
    right_file_name: str = Field(examples=[""], description="of a video: the name that the profile demands (M15-2f)")
    declared_opening: dict[str, str] = Field(
        examples=[{}], description="of a video: what its opening should say by the profile (M15-2b)"
    )
    leaves: list[Leaf] = Field(description="pages as the applicant put them; none: files are taken whole")
    arranged_files: list[Id] = Field(description="the files that this is about; others came later and are taken whole")
    same_as_before: bool = Field(
        examples=[False], description="in a later submission: the files are those of the submission before"
    )


class Decision(Answer):
    """What a level did."""

    decision_id: Id
    level: Level
    decision: Literal["forwarded", "returned", "accepted"] = Field(examples=["forwarded"])
    by: str = Field(examples=["王审单"])
    at: Moment | None
    comment: str = Field(examples=[""])
    defects: list[Defect]
    submission: int = Field(examples=[1], description="from 1; each handing-in counts")


class Dossier(Answer):
    """A dossier."""

    dossier_id: Id
    applicant_id: Id
    applicant_name: str = Field(examples=["李川明"])
    organisation_id: str = Field(examples=["jc-h1"])
    organisation_path: str = Field(examples=["/sc/cd/jc/jc-h1/"])
    organisation_name: str = Field(examples=["锦川县人民医院"])
    draft_defects: list[Defect] = Field(
        description="collected for a return by the level that holds it; for its reviewers"
    )
    cycle: int = Field(examples=[2023])
    catalogue_version: str = Field(examples=["sichuan-2023.1"])
    state: Literal["draft", "in-review", "returned", "accepted"] = Field(examples=["draft"])
    level: Level = Field(description="that holds it now; empty while it is with the applicant")
    route: list[str] = Field(examples=[["unit", "county", "city", "province"]])
    status: str = Field(examples=["passed"], description="the worst of the materials'")
    materials: list[Material] = Field(description="empty in lists")
    decisions: list[Decision]
    version: Version
    submission: int = Field(examples=[0])
    updated_at: Moment | None
    submitted_at: Moment | None


class Dossiers(Answer):
    """One page of dossiers, newest first."""

    dossiers: list[Dossier]
    next: str = Field(examples=[""], description="cursor of the following page, empty at the end")


class ProfileAnswer(Answer):
    """The profile as `docs/profile.md` describes it; the ID number is masked."""

    profile: dict[str, Any] = Field(examples=[{"name": "李川明", "id_number": "5101**********1239"}])


class ChecklistComponent(Answer):
    """A component of an item; not due are those of which one is chosen and those that are only welcome."""

    id: str = Field(examples=["front_page"])
    zh: str = Field(examples=["病案首页"])
    en: str = Field(examples=["front page"])
    due: bool = Field(examples=[True])


class Alternative(Answer):
    """So many of these components."""

    choose: str = Field(examples=["one"])
    of: list[str] = Field(examples=[["paper_certificate", "e_certificate"]])
    rule: str = Field(examples=["M01-02"])


class ChecklistItem(Answer):
    """One material that is due."""

    item: str = Field(examples=["clinical_case"])
    number: str = Field(examples=["15.1"])
    ordinal: int = Field(examples=[1])
    title_zh: str = Field(examples=["病历"])
    title_en: str = Field(examples=["Clinical case"])
    reason_zh: str = Field(examples=["申报医疗类专业"])
    reason_en: str = Field(examples=["applies in a clinical category"])
    rules: list[str] = Field(examples=[["M15-1"]])
    quote: str | None = Field(examples=["病案首页、入院记录……"], description="the notice's own words")
    media: list[str] = Field(examples=[["pdf", "jpeg", "png"]])
    upload_optional: bool = Field(examples=[False])
    components: list[ChecklistComponent]
    alternatives: list[Alternative]
    notes: list[str] = Field(examples=[[]])


class PaperLine(Answer):
    """One line of the paper set (P rules)."""

    id: str = Field(examples=["review_form"])
    title_zh: str = Field(examples=["评审表"])
    title_en: str = Field(examples=["Review form"])
    copies: int | None = Field(examples=[1], description="none where the notice does not say")
    form: str = Field(examples=["paper"])
    rules: list[str] = Field(examples=[["P-01"]])
    generated_by_system: bool = Field(examples=[True])
    interpretation: bool = Field(examples=[False], description="a person decides whether it is due")


class Checklist(Answer):
    """Everything that this applicant owes (G-02, G-10)."""

    items: list[ChecklistItem]
    paper: list[PaperLine]


class Twin(Answer):
    """A page that is in somebody else's dossier as well: for a person to judge, it may well have to be in both."""

    material_id: Id
    file_id: Id
    page: int = Field(examples=[2], description="from 1, in the file")
    likeness: float = Field(examples=[0.97], description="0 to 1")
    other_dossier_id: Id
    other_applicant_name: str = Field(examples=["何药师"])
    other_organisation_name: str = Field(examples=["锦川县人民医院"])
    other_cycle: int = Field(examples=[2023])
    other_material_id: Id
    other_item_number: str = Field(examples=["5"])
    other_title_zh: str = Field(examples=["继续教育"])
    other_title_en: str = Field(examples=["Continuing education"])
    other_file_id: Id
    other_page: int = Field(examples=[1])


class Twins(Answer):
    """The likest of each page first."""

    twins: list[Twin]


class Change(Answer):
    """Something of a dossier is different."""

    seq: int = Field(examples=[42])
    dossier_id: Id
    material_id: str = Field(
        examples=["01a20ae9-c721-7579-a030-9881d174f058"], description="empty for the whole dossier"
    )
    kind: str = Field(
        examples=["material"], description="`reload`: changes up to here are not kept any more, read everything anew"
    )


class Changes(Answer):
    """What came after a number."""

    changes: list[Change]
    last: int = Field(examples=[42], description="what to give as `after` next")
