"""Makes the PDF of a text that was typed, as the sandbox calls it: `services.pdfcheck.tools.typeset:make`.

Of the font (Noto Sans SC, OFL) only what is used is embedded. Every character has a code of its own, also where two
share a glyph, so that what is read from the page is what was typed. The same text makes the same bytes.
"""

import base64
import hashlib
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import pikepdf
from fontTools.pens.recordingPen import RecordingPen
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from pikepdf import Array, Dictionary, Name

from services.pdfcheck.domain import typesetting
from services.pdfcheck.domain.facts import Json
from services.pdfcheck.domain.typesetting import HEIGHT, LEADING, MARGIN, SIZE, WIDTH, Line
from services.pdfcheck.tools import fonts

_EM = 1000
_HEAD_SIZE, _HEAD_LINES = 18.0, 2
#: Of the font, in thousandths of an em.
_ASCENT, _DESCENT, _CAP_HEIGHT, _STEM = 880, -120, 733, 80
_SYMBOLIC = 4
#: Of an outline, as a page's content has them.
_STEPS = {"moveTo": "m", "lineTo": "l", "curveTo": "c", "closePath": "h"}
_BLOCK = 100
_CMAP = """/CIDInit /ProcSet findresource begin 12 dict begin begincmap
/CIDSystemInfo << /Registry ({registry}) /Ordering ({ordering}) /Supplement 0 >> def
/CMapName /{name} def /CMapType {kind} def
1 begincodespacerange <0000> <FFFF> endcodespacerange
{blocks}endcmap CMapName currentdict /CMap defineresource pop end end
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Faces:
    """The font with what a text uses of it: character → glyph's name, its width in ems, its code on the page."""

    font: TTFont
    glyphs: Mapping[str, str]
    widths: Mapping[str, float]
    codes: Mapping[str, int]


def make(
    _sources: Sequence[io.RawIOBase], arguments: Mapping[str, Json], _progress: Callable[[float], None]
) -> dict[str, Json]:
    """`arguments`: `text`, and `head`, which is drawn above it and is no part of it. `pdf`, in base64, or `lacking`:
    the characters that the font has not.
    """
    text, head = str(arguments["text"]), str(arguments["head"])
    font = TTFont(fonts.SANS, lazy=True)
    cmap = font.getBestCmap()
    used = sorted({character for character in text if character != "\n"})
    lacking = [character for character in used if ord(character) not in cmap]
    if lacking:
        return {"lacking": "".join(lacking)}
    glyphs = {character: cmap[ord(character)] for character in {*used, *head} if ord(character) in cmap}
    faces = _Faces(
        font=font,
        glyphs=glyphs,
        widths={character: font["hmtx"][glyph][0] / _EM for character, glyph in glyphs.items()},
        codes={character: code for code, character in enumerate(used, start=1)},
    )
    return {"pdf": base64.b64encode(_document(text, head, faces)).decode()}


def _document(text: str, head: str, faces: _Faces) -> bytes:
    drawn = _head(head, faces)  # before the font is reduced to what the text uses
    with pikepdf.new() as pdf:
        resources = Dictionary(Font=Dictionary(F1=pdf.make_indirect(_embedded(pdf, faces))))
        lines = typesetting.pages(text, lambda each: SIZE * faces.widths[each], head_lines=_HEAD_LINES)
        size = Array([0, 0, WIDTH, HEIGHT])
        for number, held in enumerate(lines):
            content = (drawn if number == 0 else b"") + _set(held, faces)
            page = Dictionary(Type=Name.Page, MediaBox=size, Resources=resources, Contents=pdf.make_stream(content))
            pdf.pages.append(pikepdf.Page(page))
        pdf.Root.Lang = pikepdf.String("zh-CN")
        written = io.BytesIO()
        pdf.save(written, min_version="1.7", deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    return written.getvalue()


def _set(lines: Iterable[Line | None], faces: _Faces) -> bytes:
    """The operators that draw a page's lines."""
    parts = ["BT /F1 ", f"{SIZE:g} Tf\n"]
    for row, line in enumerate(lines):
        if line is not None:
            bottom = HEIGHT - MARGIN - LEADING * row - SIZE
            codes = "".join(f"{faces.codes[character]:04X}" for character in line.text)
            parts.append(f"{line.apart:.4f} Tc 1 0 0 1 {line.left:.3f} {bottom:.3f} Tm <{codes}> Tj\n")
    return "".join((*parts, "ET\n")).encode()


def _head(head: str, faces: _Faces) -> bytes:
    """The heading in the middle, as outlines: it is seen, and is none of the text's characters."""
    shown = [character for character in head if character in faces.glyphs]
    glyphs = faces.font.getGlyphSet()
    scale = _HEAD_SIZE / _EM
    left = (WIDTH - _HEAD_SIZE * sum(faces.widths[character] for character in shown)) / 2
    parts = ["/Artifact BMC q"]
    for character in shown:
        pen = RecordingPen()
        glyphs[faces.glyphs[character]].draw(pen)
        outline = " ".join(" ".join((*(f"{x:g} {y:g}" for x, y in at), _STEPS[step])) for step, at in pen.value)
        parts.append(f"q {scale:g} 0 0 {scale:g} {left:.3f} {HEIGHT - MARGIN - _HEAD_SIZE:.3f} cm {outline} f Q")
        left += _HEAD_SIZE * faces.widths[character]
    return "\n".join((*parts, "Q EMC\n")).encode()


def _embedded(pdf: pikepdf.Pdf, faces: _Faces) -> Dictionary:
    """The font with the text's glyphs alone; their numbers (CIDs) stay what they are in the whole of it."""
    cids = {character: _cid(faces.glyphs[character]) for character in faces.codes}
    name = f"{_tag(faces.codes)}+NotoSansSC-Regular"
    font = Dictionary(
        Type=Name.Font,
        Subtype=Name.CIDFontType0,
        BaseFont=Name(f"/{name}"),
        CIDSystemInfo=Dictionary(Registry=pikepdf.String("Adobe"), Ordering=pikepdf.String("Identity"), Supplement=0),
        FontDescriptor=pdf.make_indirect(_descriptor(pdf, name, faces)),
        DW=_EM,
        W=Array(_widths({cid: round(_EM * faces.widths[character]) for character, cid in cids.items()})),
    )
    to_cid = [(faces.codes[character], str(cid)) for character, cid in cids.items()]
    to_text = [(code, f"<{character.encode('utf-16-be').hex().upper()}>") for character, code in faces.codes.items()]
    encoding = pdf.make_stream(
        _cmap("Typed-H", "Adobe", "Identity", 1, "cidchar", to_cid),
        Type=Name.CMap, CMapName=Name("/Typed-H"), WMode=0,
        CIDSystemInfo=Dictionary(Registry=pikepdf.String("Adobe"), Ordering=pikepdf.String("Identity"), Supplement=0),
    )  # fmt: skip
    return Dictionary(
        Type=Name.Font,
        Subtype=Name.Type0,
        BaseFont=Name(f"/{name}-Typed-H"),
        Encoding=encoding,
        DescendantFonts=Array([pdf.make_indirect(font)]),
        ToUnicode=pdf.make_stream(_cmap("Adobe-Identity-UCS", "Adobe", "UCS", 2, "bfchar", to_text)),
    )


def _descriptor(pdf: pikepdf.Pdf, name: str, faces: _Faces) -> Dictionary:
    head = faces.font["head"]
    box = [head.xMin, head.yMin, head.xMax, head.yMax]
    return Dictionary(
        Type=Name.FontDescriptor,
        FontName=Name(f"/{name}"),
        Flags=_SYMBOLIC,
        FontBBox=Array(box),
        ItalicAngle=0,
        Ascent=_ASCENT,
        Descent=_DESCENT,
        CapHeight=_CAP_HEIGHT,
        StemV=_STEM,
        FontFile3=pdf.make_stream(_reduced(faces), Subtype=Name.CIDFontType0C),
    )


def _reduced(faces: _Faces) -> bytes:
    options = Options()
    options.layout_features = []
    options.hinting = False
    options.desubroutinize = True
    options.drop_tables += ["BASE", "DSIG", "GDEF", "GPOS", "GSUB", "OS/2", "VORG", "name", "post", "vhea", "vmtx"]
    subsetter = Subsetter(options)
    subsetter.populate(glyphs=sorted({faces.glyphs[character] for character in faces.codes}))
    subsetter.subset(faces.font)
    reduced: bytes = faces.font["CFF "].compile(faces.font)
    return reduced


def _cid(glyph: str) -> int:
    """fontTools names the glyphs of such a font `cid00013`."""
    return int(glyph.removeprefix("cid"))


def _tag(characters: Iterable[str]) -> str:
    """Six letters, the same for the same characters, as embedded parts of a font are told apart."""
    digest = hashlib.sha256("".join(characters).encode()).digest()
    return "".join(chr(ord("A") + byte % 26) for byte in digest[:6])


def _widths(by_cid: Mapping[int, int]) -> list[object]:
    """As a font has them: those that are not one em."""
    narrow = sorted((cid, width) for cid, width in by_cid.items() if width != _EM)
    return [each for cid, width in narrow for each in (cid, Array([width]))]


def _cmap(name: str, registry: str, ordering: str, kind: int, word: str, pairs: Sequence[tuple[int, str]]) -> bytes:
    blocks = []
    for at in range(0, len(pairs), _BLOCK):
        block = pairs[at : at + _BLOCK]
        lines = "".join(f"<{code:04X}> {told}\n" for code, told in block)
        blocks.append(f"{len(block)} begin{word}\n{lines}end{word}\n")
    text = _CMAP.format(name=name, registry=registry, ordering=ordering, kind=kind, blocks="".join(blocks))
    return text.encode()
