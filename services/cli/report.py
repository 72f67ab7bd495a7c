"""What `shenbao check` says about files: the JSON of the command line's contract, and the same as text for people."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.catalogue.findings import Finding, Level, verdict_of
from services.catalogue.opening.model import Declared as OpeningDeclared
from services.catalogue.opening.model import FieldName, Status
from services.catalogue.wording import Lang, readable, word

#: Anything that JSON can say.
Json = str | int | float | bool | Sequence["Json"] | Mapping[str, "Json"] | None

_LEVELS: Mapping[Lang, Mapping[Level, str]] = {
    "zh": {Level.BLOCK: "不通过", Level.WARN: "提醒", Level.CHECKLIST: "待人工核对", Level.INFO: "说明"},
    "en": {Level.BLOCK: "blocks", Level.WARN: "warning", Level.CHECKLIST: "for a person to check", Level.INFO: "note"},
}
_VERDICTS: Mapping[Lang, Mapping[str, str]] = {
    "zh": {"pass": "✓ 通过", "fail": "✗ 不通过"},
    "en": {"pass": "✓ pass", "fail": "✗ fail"},
}
_FIELDS: Mapping[Lang, Mapping[FieldName, str]] = {
    "zh": dict(zip(FieldName, ("主刀医生", "工作单位", "所在科室", "职称", "手术名称", "手术日期"), strict=True)),
    "en": dict(zip(FieldName, ("surgeon", "employer", "department", "title", "operation", "date"), strict=True)),
}
_STATUSES: Mapping[Lang, Mapping[Status, str]] = {
    "zh": {Status.FOUND: "✓", Status.SIMILAR: "相近", Status.MISSING: "未找到", Status.UNREADABLE: "看不清"},
    "en": {status: str(status) for status in Status} | {Status.FOUND: "✓"},
}
#: Facts that people are shown, in this order: key, unit, Chinese and English label. Lists and objects stay in JSON.
_SHOWN: tuple[tuple[str, str | None, str, str], ...] = (
    ("duration_s", "s", "时长", "duration"),
    ("media_duration_s", "s", "媒体时长", "media duration"),
    ("width", None, "宽", "width"),
    ("height", None, "高", "height"),
    ("fps", None, "帧率", "frames per second"),
    ("fps_lowest", None, "最低帧率", "lowest frame rate"),
    ("fps_highest", None, "最高帧率", "highest frame rate"),
    ("video_codec", None, "视频编码", "video codec"),
    ("audio_codec", None, "音频编码", "audio codec"),
    ("sharpness", None, "清晰度", "sharpness"),
    ("suggested_name", None, "建议文件名", "suggested name"),
    ("pages", None, "页数", "pages"),
    ("largest_page_bytes", "bytes", "最大一页", "largest page"),
    ("encrypted", None, "加密", "encrypted"),
    ("signed", None, "签名", "signed"),
    ("images_only", None, "纯图像", "images only"),
)
#: A constant frame rate has none worth showing.
_RANGE = frozenset({"fps_lowest", "fps_highest"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Declared:
    """What the caller says about the applicant and the operation; each value is optional (None: not declared)."""

    name: str | None = None
    id_number: str | None = None
    employer: str | None = None
    department: str | None = None
    title: str | None = None
    operation: str | None = None
    date: str | None = None

    def opening(self) -> OpeningDeclared:
        """What the opening of a video should say."""
        said = {
            FieldName.SURGEON: self.name,
            FieldName.EMPLOYER: self.employer,
            FieldName.DEPARTMENT: self.department,
            FieldName.TITLE: self.title,
            FieldName.OPERATION: self.operation,
            FieldName.DATE: self.date,
        }
        return {name: value for name, value in said.items() if value}


@dataclass(frozen=True, kw_only=True, slots=True)
class FileReport:
    """One checked file. `path` as the caller gave it; `sha256` in hexadecimal; `facts` are plain JSON values."""

    path: str
    sha256: str
    size_bytes: int
    media_type: str
    facts: Mapping[str, Json]
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> str:
        """`fail` when a finding blocks, else `pass`."""
        return verdict_of(self.findings)

    def to_json(self, lang: Lang = "zh") -> dict[str, Json]:
        """The entry under `files`, worded in `lang`."""
        return {
            "path": self.path,
            "sha256": self.sha256,
            "size_bytes": self.size_bytes,
            "media_type": self.media_type,
            "verdict": self.verdict,
            "facts": dict(self.facts),
            "findings": [finding_to_json(finding, lang) for finding in self.findings],
        }

    def to_text(self, lang: Lang = "zh") -> str:
        """The same for people: verdict and path, what was measured, then each finding with what to do."""
        size = readable(self.size_bytes, "bytes")
        lines = [
            f"{_VERDICTS[lang][self.verdict]}  {self.path}",
            f"  {self.media_type} · {size} · SHA-256 {self.sha256}",
        ]
        shown = _facts_to_text(self.facts, lang)
        if shown:
            lines.append(f"  {shown}")
        lines.extend(_opening_to_lines(self.facts, lang))
        for finding in self.findings:
            lines.extend(finding_to_lines(finding, lang))
        return "\n".join(lines)


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckReport:
    """Everything one run of `check` found; `catalogue` is the catalogue's id ("sichuan-2023")."""

    catalogue: str
    files: tuple[FileReport, ...]

    @property
    def exit_code(self) -> int:
        """0 when nothing blocks, else 1."""
        return int(any(file.verdict == "fail" for file in self.files))

    def to_json(self, lang: Lang = "zh") -> dict[str, Json]:
        """The one JSON document that `--json` prints."""
        return {"catalogue": self.catalogue, "files": [file.to_json(lang) for file in self.files]}

    def to_text(self, lang: Lang = "zh") -> str:
        """One block per file."""
        return "\n\n".join(file.to_text(lang) for file in self.files)


def finding_to_json(finding: Finding, lang: Lang) -> dict[str, Json]:
    """A finding with its level and words."""
    wording = word(finding, lang)
    return {
        "code": finding.code,
        "level": finding.level.value,
        "measured": finding.measured,
        "limit": finding.limit,
        "unit": finding.unit,
        "where": finding.where,
        "rule": finding.rule_id,
        "message": wording.message,
        "fix": wording.fix,
    }


def finding_to_lines(finding: Finding, lang: Lang) -> list[str]:
    """A finding as two lines: level, message and code; then what to do."""
    wording = word(finding, lang)
    head = f"  [{_LEVELS[lang][finding.level]}] {wording.message} ({finding.code}, {finding.rule_id})"
    return [head, f"      → {wording.fix}"] if wording.fix else [head]


def _opening_to_lines(facts: Mapping[str, Json], lang: Lang) -> Iterator[str]:
    """What the opening of a video says, a line a field."""
    fields = facts.get("opening")
    if not isinstance(fields, Mapping):
        return
    yield {"zh": "  片头", "en": "  opening"}[lang]
    for name, field in fields.items():
        if isinstance(field, Mapping):
            label = _FIELDS[lang][FieldName(name)]
            at = f"{readable(field['time_s'], 's')} · " if isinstance(field["time_s"], int | float) else ""
            status = _STATUSES[lang][Status(str(field["status"]))]
            yield f"    {label} · {field['value'] or '–'} · {at}{status}"


def _facts_to_text(facts: Mapping[str, Json], lang: Lang) -> str:
    parts: list[str] = []
    constant = facts.get("fps_lowest") == facts.get("fps_highest")
    for key, unit, chinese, english in _SHOWN:
        value = None if constant and key in _RANGE else facts.get(key)
        if isinstance(value, bool):
            if value:
                parts.append(chinese if lang == "zh" else english)
        elif isinstance(value, str | int | float):
            parts.append(f"{chinese if lang == 'zh' else english} {readable(value, unit)}")
    return " · ".join(parts)
