"""Comparisons of what was measured with what was declared. Pure; run in `review` and on the command line, so a
corrected profile needs no new measuring.
"""

from collections.abc import Sequence

from services.catalogue import id_number as ids
from services.catalogue import names
from services.catalogue.findings import Finding
from services.catalogue.model import Component
from services.catalogue.opening.model import Declared, FieldName, Opening, Status
from services.catalogue.profile import Answer, Profile


def expected_video_name(name: str, id_number: str) -> str:
    """The file name that M15-2f demands: `张三510….mp4`."""
    return f"{names.normalise(name)}{ids.normalise(id_number)}.mp4"


def video_name(parsed_name: str, parsed_id_number: str, *, name: str = "", id_number: str = "") -> tuple[Finding, ...]:
    """Compare the parts of a video's file name with the applicant's (M15-2f, C-16); an empty declared value is not
    compared. An empty parsed value means that the name has no such part, which is `video.name-format`'s matter.
    """
    differing = []
    if name and parsed_name and not names.same(parsed_name, name):
        differing.append("姓名")
    if id_number and parsed_id_number and ids.normalise(parsed_id_number) != ids.normalise(id_number):
        differing.append("身份证号")
    if not differing:
        return ()
    right = expected_video_name(name or parsed_name, id_number or parsed_id_number)
    return (
        Finding(
            code="video.name-mismatch",
            rule_id="M15-2f",
            measured=f"{parsed_name}{parsed_id_number}",
            limit=right.removesuffix(".mp4"),
            params={"parts": "、".join(differing), "right": right},
        ),
    )


def text_length(component: Component, rule_id: str, counts: Sequence[int]) -> tuple[Finding, ...]:
    """Whether a component's text is as short as it must be (M15-2h, M15-10), by the characters of its pages; -1 stands
    for a page on which none can be counted. What can be counted is enough to say that it is too long.
    """
    limit = component.text_max_chars
    if limit is None or not counts:
        return ()
    found = sum(count for count in counts if count > 0)
    if found <= limit and min(counts) >= 0:
        return ()
    code, measured = ("text.too-long", found) if found > limit else ("text.not-countable", None)
    return (Finding(code=code, rule_id=rule_id, measured=measured, limit=limit, unit="characters", where=component.zh),)


def may_apply(profile: Profile) -> bool:
    """G-01, C-01: full senior titles, and associate senior ones of provincial units only."""
    return profile.target_level == "正高级" or profile.affiliation == "省属"


def declared_opening(profile: Profile, answer: Answer) -> Declared:
    """What the opening should say of an entry of 15.2: of the person by the profile, of the operation by the entry."""
    said = {
        FieldName.SURGEON: profile.name,
        FieldName.EMPLOYER: profile.employer,
        FieldName.DEPARTMENT: profile.department,
        FieldName.TITLE: profile.title,
        FieldName.OPERATION: answer.operation or "",
        FieldName.DATE: answer.operation_date.isoformat() if answer.operation_date else "",
    }
    return {name: value for name, value in said.items() if value}


def opening(read: Opening, declared: Declared) -> tuple[Finding, ...]:
    """What is wrong with an opening (M15-2b, C-17). All of it warns: a person decides. What is there and was read
    uncertainly is nothing to warn about where nothing is declared that it should say.

    `where` holds the names of fields, parted by commas; the wording puts them in words.
    """
    lacking = [
        name
        for name, field in read.items()
        if not field.value or (field.status is Status.UNREADABLE and name in declared)
    ]
    findings = [
        Finding(
            code="video.opening-mismatch", rule_id="M15-2b", where=str(name), measured=field.value,
            limit=declared[name],
        )
        for name, field in read.items()
        if name in declared and name not in lacking and field.status is not Status.FOUND
    ]  # fmt: skip
    if lacking:
        found = len(read) - len(lacking)
        where = ",".join(str(name) for name in lacking)
        missing = Finding(
            code="video.opening-missing", rule_id="M15-2b", where=where, measured=found, limit=len(read)
        )  # fmt: skip
        findings.insert(0, missing)
    return tuple(findings)
