"""What `shenbao disc` says: the image that was built, or what stands on one, as JSON and for people."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.catalogue.findings import Finding, verdict_of
from services.catalogue.wording import Lang, readable
from services.cli.report import FileReport, Json, finding_to_json, finding_to_lines
from services.video.domain.disc_verdict import alone_on
from services.video.domain.readback import FileOnDisc, ReadBack

_WORDS: dict[Lang, dict[str, str]] = {
    "zh": {
        "built": "✓ 映像已生成，并已逐字节读回核对  {path}",
        "refused": "✗ 没有生成映像，没有写出任何文件  {path}",
        "pass": "✓ 通过  {path}",
        "fail": "✗ 不通过  {path}",
        "image": "  映像 {size} · 卷标 {label} · SHA-256 {sha256}",
        "file": "  光盘上的文件 {name} · {size} · SHA-256 {sha256}",
        "face": "  光盘正面请书写：{name}手术视频光盘",
        "printed": "  可打印的盘面（A4，原大）：{path}",
    },
    "en": {
        "built": "✓ the image is built and was read back byte by byte  {path}",
        "refused": "✗ no image was built, nothing was written  {path}",
        "pass": "✓ pass  {path}",
        "fail": "✗ fail  {path}",
        "image": "  image {size} · label {label} · SHA-256 {sha256}",
        "file": "  file on the disc {name} · {size} · SHA-256 {sha256}",
        "face": "  write on the disc's face: {name}手术视频光盘",
        "printed": "  its face, to be printed in its true size (A4): {path}",
    },
}


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildReport:
    """`checked` is the report on the video; `built` is None when it was refused. `name` is the applicant's."""

    output: str
    checked: FileReport
    built: ReadBack | None
    name: str
    #: Where its face was written, "" for nowhere.
    face: str = ""

    @property
    def exit_code(self) -> int:
        """0 when the image was written, else 1."""
        return int(self.built is None)

    def to_json(self, lang: Lang) -> dict[str, Json]:
        """The one document of `--json`; `image` is null when nothing was written."""
        image: dict[str, Json] | None = None
        if self.built is not None and (file := alone_on(self.built.files)) is not None:
            image = {"path": self.output, **_image_json(self.built), **_file_json(file)}
        verdict = "fail" if image is None else "pass"
        return {"verdict": verdict, "image": image, "face": self.face or None, "video": self.checked.to_json(lang)}

    def to_text(self, lang: Lang) -> str:
        """The same for people."""
        words = _WORDS[lang]
        if self.built is None:
            return "\n".join([words["refused"].format(path=self.output), self.checked.to_text(lang)])
        lines = [words["built"].format(path=self.output), *_image_lines(self.built, lang)]
        for finding in self.checked.findings:
            lines.extend(finding_to_lines(finding, lang))
        lines.append(words["face"].format(name=self.name))
        if self.face:
            lines.append(words["printed"].format(path=self.face))
        return "\n".join(lines)


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyReport:
    """What is on an image (`image`) or in a mounted folder (`image` is None), and the findings on it."""

    path: str
    files: Sequence[FileOnDisc]
    image: ReadBack | None
    findings: tuple[Finding, ...]

    @property
    def exit_code(self) -> int:
        """0 when nothing blocks, else 1."""
        return int(verdict_of(self.findings) == "fail")

    def to_json(self, lang: Lang) -> dict[str, Json]:
        """The one document of `--json`; `file` is there when one file stands alone on the disc."""
        file = alone_on(self.files)
        return {
            "path": self.path,
            "verdict": verdict_of(self.findings),
            **({} if self.image is None else _image_json(self.image)),
            **({} if file is None else _file_json(file)),
            "files": [
                {"view": one.view, "name": one.name, "size_bytes": one.size_bytes, "sha256": one.sha256}
                for one in self.files
            ],
            "findings": [finding_to_json(finding, lang) for finding in self.findings],
        }

    def to_text(self, lang: Lang) -> str:
        """The same for people."""
        lines = [_WORDS[lang][verdict_of(self.findings)].format(path=self.path)]
        if self.image is not None:
            lines.extend(_image_lines(self.image, lang))
        else:
            lines.extend(_file_line(file, lang) for file in self.files)
        for finding in self.findings:
            lines.extend(finding_to_lines(finding, lang))
        return "\n".join(lines)


def _image_json(image: ReadBack) -> dict[str, Json]:
    return {"size_bytes": image.image_bytes, "sha256": image.image_sha256, "label": image.label}


def _file_json(file: FileOnDisc) -> dict[str, Json]:
    return {"file": file.name, "file_size_bytes": file.size_bytes, "file_sha256": file.sha256}


def _image_lines(image: ReadBack, lang: Lang) -> list[str]:
    size = readable(image.image_bytes, "bytes")
    first = _WORDS[lang]["image"].format(size=size, label=image.label, sha256=image.image_sha256)
    alone = alone_on(image.files)
    files = image.files if alone is None else (alone,)
    return [first, *(_file_line(file, lang) for file in files)]


def _file_line(file: FileOnDisc, lang: Lang) -> str:
    size = readable(file.size_bytes, "bytes")
    return _WORDS[lang]["file"].format(name=file.name, size=size, sha256=file.sha256)
