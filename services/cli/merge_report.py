"""What `shenbao merge` says: each part, the result, and which part is to blame, as JSON and for people."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.catalogue.findings import verdict_of
from services.catalogue.wording import Lang, readable
from services.cli.report import Json, finding_to_json, finding_to_lines
from services.pdfcheck.domain.merging import Blame
from services.pdfcheck.usecases.merge import MergeOutcome

_WORDS: dict[Lang, dict[str, str]] = {
    "zh": {
        "written": "✓ 已合并  {path}",
        "refused": "✗ 未合并，没有写出任何文件  {path}",
        "result": "  {pages} 页 · {size} · SHA-256 {sha256}",
        "part": "第 {number} 份  {path}",
        "whole": "合并后的文件",
    },
    "en": {
        "written": "✓ merged  {path}",
        "refused": "✗ not merged, nothing was written  {path}",
        "result": "  {pages} pages · {size} · SHA-256 {sha256}",
        "part": "part {number}  {path}",
        "whole": "the merged file",
    },
}


@dataclass(frozen=True, kw_only=True, slots=True)
class MergeReport:
    """`paths` and `hashes` are the parts' in their order, `output` is the path asked for."""

    catalogue: str
    output: str
    paths: Sequence[str]
    hashes: Sequence[str]
    outcome: MergeOutcome

    @property
    def exit_code(self) -> int:
        """0 when the file was written, else 1."""
        return 0 if self.outcome.accepted else 1

    def to_json(self, lang: Lang) -> dict[str, Json]:
        """The one document of `--json`. Parts are numbered from 1; `output` is null when nothing was written."""
        return {
            "catalogue": self.catalogue,
            "verdict": "pass" if self.outcome.accepted else "fail",
            "output": self._output(),
            "parts": [self._part(number) for number in range(len(self.paths))],
            "findings": [self._finding(blame, lang) for blame in self.outcome.findings],
        }

    def to_text(self, lang: Lang) -> str:
        """The same for people: the outcome, then the findings under the part that causes them."""
        words, merged = _WORDS[lang], self.outcome.merged
        lines = [words["written" if self.outcome.accepted else "refused"].format(path=self.output)]
        if merged is not None:
            size = readable(merged.size_bytes, "bytes")
            lines.append(words["result"].format(pages=len(merged.page_map), size=size, sha256=merged.sha256))
        for blame in self.outcome.findings:
            lines.append(self._who(blame, lang))
            lines.extend(finding_to_lines(blame.finding, lang))
        return "\n".join(lines)

    def _who(self, blame: Blame, lang: Lang) -> str:
        if blame.part is None:
            return _WORDS[lang]["whole"]
        return _WORDS[lang]["part"].format(number=blame.part + 1, path=self.paths[blame.part])

    def _output(self) -> Json:
        merged = self.outcome.merged
        if merged is None or not self.outcome.accepted:
            return None
        return {
            "path": self.output,
            "sha256": merged.sha256,
            **merged.facts.shown(),
            "bookmarks": [{"title": mark.title, "page": mark.page, "depth": mark.depth} for mark in merged.bookmarks],
            "page_map": [{"part": origin.part + 1, "page": origin.page} for origin in merged.page_map],
        }

    def _part(self, number: int) -> Json:
        facts = self.outcome.parts[number]
        if facts is None:
            raise ValueError("here every part is measured")
        found = tuple(blame.finding for blame in self.outcome.findings if blame.part == number)
        return {
            "path": self.paths[number],
            "sha256": self.hashes[number],
            "size_bytes": facts.size_bytes,
            "media_type": facts.media_type,
            "verdict": verdict_of(found),
            "pages": len(facts.pages),
        }

    def _finding(self, blame: Blame, lang: Lang) -> Json:
        part = None if blame.part is None else blame.part + 1
        path = None if blame.part is None else self.paths[blame.part]
        return {**finding_to_json(blame.finding, lang), "part": part, "path": path}
