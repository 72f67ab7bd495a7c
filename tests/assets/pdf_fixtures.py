"""Documents and photographs made by code: scanned-looking pages, sizes at the limits, and every kind of bad file.

Everything is deterministic and returns bytes; what is costly is cached for the session. Nothing here comes from a
person: names and seals are invented.
"""

import io
import random
import warnings
import zlib
from collections.abc import Callable, Sequence
from functools import cache

import pikepdf
from pikepdf import Array, Dictionary, Name, Pdf, Stream, String
from PIL import Image, ImageDraw, ImageFont
from pylopdf_fonts_zh_cn import sans_path

from tests.assets import signing

MB = 2**20
PAGE_LIMIT = 5 * MB
ITEM_LIMIT = 40 * MB
_A4_150_DPI = (1240, 1754)


@cache
def scan_jpeg(seed: int = 1, title: str = "执业医师资格证书", size: tuple[int, int] = _A4_150_DPI) -> bytes:
    """A page as a scanner sees it: off-white noise, Chinese print, a red seal; JFIF says 150 dpi."""
    chance = random.Random(seed)
    noise = Image.frombytes("L", size, chance.randbytes(size[0] * size[1])).point(lambda level: 228 + level // 10)
    page = Image.merge("RGB", (noise, noise, noise.point(lambda level: level - 6)))
    draw = ImageDraw.Draw(page)
    scale = size[0] / _A4_150_DPI[0]
    large, small = (ImageFont.truetype(str(sans_path()), max(1, int(points * scale))) for points in (56, 30))
    draw.text((size[0] * 0.3, size[1] * 0.1), title, font=large, fill=(30, 30, 34))
    for line in range(12):
        words = f"第{line + 1}行：申报人于二〇二三年在县人民医院普外科工作，编号{chance.randrange(10**8):08d}。"
        draw.text((size[0] * 0.1, size[1] * (0.2 + 0.045 * line)), words, font=small, fill=(40, 40, 44))
    _seal(draw, (size[0] * 0.72, size[1] * 0.82), 150 * scale, small)
    written = io.BytesIO()
    page.save(written, "JPEG", quality=82, dpi=(150, 150))
    return written.getvalue()


def _seal(draw: ImageDraw.ImageDraw, at: tuple[float, float], radius: float, font: ImageFont.FreeTypeFont) -> None:
    x, y = at
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=(196, 32, 38), width=int(radius / 14) + 1)
    draw.text((x, y), "县人民医院\n  人事科", font=font, fill=(196, 32, 38), anchor="mm")


@cache
def photo_jpeg(orientation: int = 6, size: tuple[int, int] = (1600, 1200), seed: int = 7) -> bytes:
    """A phone's photograph of a page with EXIF orientation, camera, position (GPS) and a comment."""
    picture = Image.open(io.BytesIO(scan_jpeg(seed, "手机拍摄的证明", size)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "PrivateCamera"
    exif.get_ifd(0x8825).update({1: "N", 2: (30.0, 39.0, 0.0), 3: "E", 4: (104.0, 4.0, 0.0)})
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=85, exif=exif, comment=b"private comment")
    return written.getvalue()


@cache
def mpo() -> bytes:
    """Two pictures in one file, as stereo and some phone cameras write it."""
    first, second = (Image.open(io.BytesIO(scan_jpeg(seed, "双图", (400, 300)))) for seed in (21, 22))
    written = io.BytesIO()
    first.save(written, "MPO", save_all=True, append_images=[second])
    return written.getvalue()


@cache
def png(mode: str = "RGB", size: tuple[int, int] = (620, 877)) -> bytes:
    """A screenshot-like PNG; `RGBA` and `LA` have a transparent corner."""
    picture = Image.open(io.BytesIO(scan_jpeg(3, "统计结果截图", size))).convert(mode)
    if "A" in mode:
        alpha = Image.new("L", size, 255)
        alpha.paste(0, (0, 0, size[0] // 4, size[1] // 4))
        picture.putalpha(alpha)
    written = io.BytesIO()
    picture.save(written, "PNG")
    return written.getvalue()


def padded(jpeg: bytes, extra: int) -> bytes:
    """`jpeg` larger by exactly `extra` bytes (0, or at least 4): segments that decoders skip and nothing compresses."""
    chance, segments = random.Random(extra), bytearray()
    while extra:
        length = min(extra, 65_000)
        if 0 < extra - length < 4:
            length -= 4
        segments += b"\xff\xe0" + (length - 2).to_bytes(2, "big") + chance.randbytes(length - 4)
        extra -= length
    return jpeg[:2] + bytes(segments) + jpeg[2:]


def pdf_of(jpegs: Sequence[bytes], change: Callable[[Pdf], None] | None = None, **save: object) -> bytes:
    """One page per JPEG, as a scanner's program writes it; `change` edits before saving."""
    with Pdf.new() as pdf:
        for jpeg in jpegs:
            add_scan(pdf, jpeg)
        if change is not None:
            change(pdf)
        return saved(pdf, **save)


def add_scan(pdf: Pdf, jpeg: bytes) -> None:
    """Append an A4 page that shows `jpeg`."""
    with Image.open(io.BytesIO(jpeg)) as picture:
        width, height = picture.size
    image = Stream(
        pdf, jpeg, Type=Name.XObject, Subtype=Name.Image, Width=width, Height=height, BitsPerComponent=8,
        ColorSpace=Name.DeviceRGB, Filter=Name.DCTDecode,
    )  # fmt: skip
    pdf.add_blank_page(page_size=(595, 842))
    page = pdf.pages[-1].obj
    page.Resources = Dictionary(XObject=Dictionary(Im0=image))
    page.Contents = Stream(pdf, b"q 595 0 0 842 0 0 cm /Im0 Do Q")


def saved(pdf: Pdf, **save: object) -> bytes:
    """The bytes of `pdf`, the same every time."""
    written = io.BytesIO()
    options: dict[str, object] = {"static_id": True} if "encryption" in save else {"deterministic_id": True}
    pdf.save(written, **{**options, **save})  # type: ignore[arg-type]  # options of pikepdf's save, passed through
    return written.getvalue()


@cache
def scanned_pdf(pages: int = 3, title: str = "学历证书") -> bytes:
    """An honest scan."""
    return pdf_of([scan_jpeg(10 + number, title, (620, 877)) for number in range(pages)])


def written_pdf(pages: Sequence[Sequence[str]]) -> bytes:
    """A4 pages with lines of text that can be searched, as a word processor writes them: the first line's upper edge
    and every line's beginning lie at a tenth of the page. The letters are drawn by whatever font a viewer has.
    """
    with Pdf.new() as pdf:
        for lines in pages:
            pdf.add_blank_page(page_size=(595, 842))
            page = pdf.pages[-1].obj
            info = Dictionary(Registry=String("Adobe"), Ordering=String("GB1"), Supplement=0)
            name = Name("/STSong-Light")
            inner = Dictionary(Type=Name.Font, Subtype=Name.CIDFontType0, BaseFont=name, CIDSystemInfo=info, DW=1000)
            font = Dictionary(
                Type=Name.Font, Subtype=Name.Type0, BaseFont=name, Encoding=Name("/UniGB-UTF16-H"),
                DescendantFonts=Array([inner]),
            )  # fmt: skip
            page.Resources = Dictionary(Font=Dictionary(F0=font))
            shown = "\n".join(f"<{line.encode('utf-16-be').hex()}> Tj 0 -24 Td" for line in lines)
            page.Contents = Stream(pdf, f"BT /F0 16 Tf 59.5 743 Td {shown} ET".encode())
        return saved(pdf)


def single_page_bytes(document: bytes, index: int) -> int:
    """The published method (G-07), done plainly: the file pikepdf writes for one page alone."""
    with Pdf.open(io.BytesIO(document)) as source, Pdf.new() as single:
        single.pages.append(source.pages[index])
        single.remove_unreferenced_resources()
        written = io.BytesIO()
        with warnings.catch_warnings(action="ignore", category=pikepdf.PageCopyWarning):
            single.save(written, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)
        return len(written.getvalue())


def _padded_until(build: Callable[[int], bytes], size: Callable[[bytes], int], target: int) -> bytes:
    """Build with more and more padding until `size` says exactly `target`."""
    extra = target - size(build(0))
    for _ in range(8):
        document = build(extra)
        missing = target - size(document)
        if missing == 0:
            return document
        extra += missing
    raise AssertionError("padding does not converge")


@cache
def page_of_bytes(target: int) -> bytes:
    """Three pages, of which the second is judged at exactly `target` bytes."""
    small, middle = scan_jpeg(10, "证明", (310, 438)), scan_jpeg(11, "证明", (620, 877))
    return _padded_until(
        lambda extra: pdf_of([small, padded(middle, extra), small]), lambda made: single_page_bytes(made, 1), target
    )


@cache
def item_of_bytes(target: int) -> bytes:
    """Nine scans in a file of exactly `target` bytes, no page near the limit of a page."""
    jpeg = scan_jpeg(12, "病历", (310, 438))
    full = padded(jpeg, target // 9 - len(jpeg) - 4000)
    return _padded_until(lambda extra: pdf_of([*[full] * 8, padded(full, extra)]), len, target)


def rotten(data: bytes, at: float = 0.5, length: int = 2000) -> bytes:
    """The same with zeros in the middle, as a failing disk leaves it: of a scan, inside its picture."""
    begin = int(len(data) * at)
    return data[:begin] + bytes(length) + data[begin + length :]


def rotten_pdf() -> bytes:
    """Three scanned pages; the second one's picture is rotten, the structure is sound."""
    jpegs = [scan_jpeg(10 + number, "学历证书", (620, 877)) for number in range(3)]
    return pdf_of([jpegs[0], rotten(jpegs[1]), jpegs[2]])


@cache
def encrypted(*, user: str = "", owner: str = "owner") -> bytes:
    """With `user` set nobody opens it without; with `owner` alone it only withholds printing."""
    lock = pikepdf.Encryption(user=user, owner=owner, R=6, allow=pikepdf.Permissions(print_highres=False))
    return pdf_of([scan_jpeg(13, "加密", (310, 438))] * 2, encryption=lock)


def truncated(fraction: float = 0.6) -> bytes:
    """A copy that stopped on the way, in the middle of a picture."""
    whole = scanned_pdf()
    return whole[: int(len(whole) * fraction)]


def lost_page() -> bytes:
    """The page tree names a first page that is not in the file."""
    return pdf_of([scan_jpeg(10, "证明", (310, 438))] * 3).replace(b"/Kids [ 3 0 R", b"/Kids [ 9 0 R", 1)


def tiny_pdf() -> bytes:
    """Two small pages, for altering bytes."""
    return pdf_of([scan_jpeg(10, "小", (62, 88))] * 2)


def tiny_jpeg() -> bytes:
    """A thumbnail with EXIF."""
    return photo_jpeg(6, (62, 88))


def tiny_png() -> bytes:
    """A thumbnail with transparency."""
    return png("RGBA", (62, 88))


def without_end() -> bytes:
    """Only the cross-reference table and trailer's end are cut off: everything on the pages is there."""
    whole = scanned_pdf()
    return whole[: whole.rindex(b"startxref")]


def html() -> bytes:
    """A web page that somebody saved as .pdf."""
    return "<!DOCTYPE html><html><body>学信网 学历验证报告</body></html>".encode() + b" " * 2000


def no_pages() -> bytes:
    """A PDF without a page."""
    with Pdf.new() as pdf:
        return saved(pdf)


def cyclic() -> bytes:
    """A page tree whose branch leads back to its root."""
    return (
        b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
        b"2 0 obj\n<< /Type /Pages /Kids [ 3 0 R ] /Count 1 >>\nendobj\n"
        b"3 0 obj\n<< /Type /Pages /Parent 2 0 R /Kids [ 2 0 R ] /Count 1 >>\nendobj\n"
        b"trailer\n<< /Root 1 0 R /Size 4 >>\nstartxref\n0\n%%EOF\n"
    )


def lying_length() -> bytes:
    """The picture's stream says that it is ten bytes long."""
    document = pdf_of([scan_jpeg(10, "证明", (310, 438))])
    with Pdf.open(io.BytesIO(document)) as pdf:
        length = len(pdf.pages[0].obj.Resources.XObject.Im0.read_raw_bytes())
    return document.replace(b"/Length %d" % length, b"/Length %0*d" % (len(str(length)), 10), 1)


def _one(change: Callable[[Pdf], None]) -> bytes:
    return pdf_of([scan_jpeg(14, "一页", (310, 438))], change)


def javascript() -> bytes:
    """Opens a dialogue by itself, and again when the page is turned to."""

    def change(pdf: Pdf) -> None:
        action = Dictionary(S=Name.JavaScript, JS=String("app.alert('hello')"))
        pdf.Root.OpenAction = action
        pdf.pages[0].obj.AA = Dictionary(O=Dictionary(S=Name.JavaScript, JS=String("this.print()")))

    return _one(change)


def launching() -> bytes:
    """A link that starts a program, one that is a plain address, and a film."""

    def change(pdf: Pdf) -> None:
        def annotation(kind: pikepdf.Object, action: Dictionary) -> Dictionary:
            return Dictionary(Type=Name.Annot, Subtype=kind, Rect=Array([0, 0, 9, 9]), A=action)

        pdf.pages[0].obj.Annots = Array(
            [
                annotation(Name.Link, Dictionary(S=Name.Launch, F=String("cmd.exe"))),
                annotation(Name.Link, Dictionary(S=Name.URI, URI=String("https://www.chsi.com.cn/"))),
                annotation(Name.Screen, Dictionary(S=Name.Rendition)),
            ]
        )

    return _one(change)


def linked() -> bytes:
    """Nothing but a plain link."""

    def change(pdf: Pdf) -> None:
        action = Dictionary(S=Name.URI, URI=String("https://www.chsi.com.cn/"))
        link = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([0, 0, 9, 9]), A=action)
        pdf.pages[0].obj.Annots = Array([link])

    return _one(change)


def with_attachments(count: int = 2) -> bytes:
    """Carries other files inside."""

    def change(pdf: Pdf) -> None:
        for number in range(count):
            name = f"附件{number}.txt"
            pdf.attachments[name] = pikepdf.AttachedFileSpec(
                pdf, b"hidden", filename=name, mod_date="", creation_date=""
            )

    return _one(change)


def xfa() -> bytes:
    """A dynamic form, whose pages a program makes."""

    def change(pdf: Pdf) -> None:
        pdf.Root.AcroForm = Dictionary(Fields=Array([]), XFA=Stream(pdf, b"<xdp:xdp/>"))

    return _one(change)


@cache
def signed(*, made: bool = True) -> bytes:
    """Signed by an invented person, with a reason and a time; with `made` false only the room for it is there."""
    said = {"Name": String("张三"), "Reason": String("本人承诺材料真实"), "M": String("D:20240501093000+08'00'")}
    document = _one(lambda pdf: signing.add_field(pdf, **said))
    return signing.filled(document) if made else document


@cache
def shared_resources(pages: int = 20, extra: int = 400_000) -> bytes:
    """Every page names every picture in one shared dictionary and shows one: each page alone is small."""
    with Pdf.new() as pdf:
        for number in range(pages):
            add_scan(pdf, padded(scan_jpeg(10 + number % 3, "共用", (310, 438)), extra + number * 4))
        images = {f"/Im{number}": page.obj.Resources.XObject.Im0 for number, page in enumerate(pdf.pages)}
        shared = pdf.make_indirect(Dictionary(XObject=Dictionary(images)))
        for number, page in enumerate(pdf.pages):
            page.obj.Resources = shared
            page.obj.Contents = Stream(pdf, f"q 595 0 0 842 0 0 cm /Im{number} Do Q".encode())
        return saved(pdf)


@cache
def shared_font(pages: int = 4, font_bytes: int = 8 * MB) -> bytes:
    """A text document whose every page uses one whole Chinese font of `font_bytes`."""
    with Pdf.new() as pdf:
        data = Stream(pdf, random.Random(5).randbytes(font_bytes), Subtype=Name.OpenType)
        descriptor = pdf.make_indirect(Dictionary(Type=Name.FontDescriptor, FontName=Name.Song, FontFile3=data))
        font = pdf.make_indirect(
            Dictionary(Type=Name.Font, Subtype=Name.TrueType, BaseFont=Name.Song, FontDescriptor=descriptor)
        )
        for _ in range(pages):
            pdf.add_blank_page(page_size=(595, 842))
            page = pdf.pages[-1].obj
            page.Resources = Dictionary(Font=Dictionary(F0=font))
            page.Contents = Stream(pdf, b"BT /F0 12 Tf 72 700 Td (hello) Tj ET")
        return saved(pdf, compress_streams=False)


@cache
def object_stream_bomb(mebibytes: int = 900) -> bytes:
    """An object stream that unpacks to one string of `mebibytes`; the file itself is a small part of that."""
    squeeze = zlib.compressobj(1)
    pieces = [squeeze.compress(b"6 0 ("), *(squeeze.compress(b"A" * MB) for _ in range(mebibytes))]
    packed = b"".join([*pieces, squeeze.compress(b")"), squeeze.flush()])
    bodies = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [ 3 0 R ] /Count 1 >>",
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [ 0 0 9 9 ] /Contents 6 0 R >>",
        4: b"<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length %d >>\nstream\n%b\nendstream"
        % (len(packed), packed),
    }
    document, rows = b"%PDF-1.5\n", [bytes(6)]
    for number, body in bodies.items():
        rows.append(b"\x01" + len(document).to_bytes(4, "big") + b"\x00")
        document += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(document)
    rows += [b"\x01" + start.to_bytes(4, "big") + b"\x00", b"\x02" + (4).to_bytes(4, "big") + b"\x00"]
    table = b"".join(rows)
    head = b"<< /Type /XRef /Size 7 /W [ 1 4 1 ] /Root 1 0 R /Length %d >>" % len(table)
    return document + b"5 0 obj\n%b\nstream\n%b\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % (head, table, start)


def text_pdf(*pages: str, scan: bytes | None = None) -> bytes:
    """Pages of Chinese text in a font that is not embedded, forty characters a line; with a scan behind if given."""
    with pikepdf.new() as pdf:
        descendant = pikepdf.Dictionary(
            Type=pikepdf.Name.Font,
            Subtype=pikepdf.Name.CIDFontType0,
            BaseFont=pikepdf.Name("/STSong-Light"),
            CIDSystemInfo=pikepdf.Dictionary(Registry="Adobe", Ordering="GB1", Supplement=4),
        )
        font = pikepdf.Dictionary(
            Type=pikepdf.Name.Font,
            Subtype=pikepdf.Name.Type0,
            BaseFont=pikepdf.Name("/STSong-Light"),
            Encoding=pikepdf.Name("/UniGB-UTF16-H"),
            DescendantFonts=pikepdf.Array([pdf.make_indirect(descendant)]),
        )
        for text in pages:
            if scan is not None:
                add_scan(pdf, scan)
            else:
                pdf.add_blank_page(page_size=(595, 842))
            page = pdf.pages[-1]
            lines = [text[at : at + 40] for at in range(0, len(text), 40)]
            shown = " ".join(f"<{line.encode('utf-16-be').hex()}> Tj 0 -13 Td" for line in lines)
            page.contents_add(f"BT /F0 12 Tf 40 800 Td {shown} ET".encode())
            resources = page.obj.get("/Resources", pikepdf.Dictionary())
            resources.Font = pikepdf.Dictionary(F0=pdf.make_indirect(font))
            page.obj.Resources = resources
        return saved(pdf)


def tiff(*modes: str, size: tuple[int, int] = (620, 877), compression: str = "tiff_lzw", orientation: int = 1) -> bytes:
    """A scanner's file: a page for each mode, "1" as fax group 4 when `compression` is "mixed"."""
    pages = []
    for number, mode in enumerate(modes):
        page = Image.open(io.BytesIO(scan_jpeg(number, size=size)))
        deep = page.convert("I").point(lambda sample: sample * 256) if mode == "I;16" else page
        pages.append(deep.convert(mode))
    written = io.BytesIO()
    how = "group4" if compression == "mixed" else compression
    pages[0].save(
        written, "TIFF", save_all=True, append_images=pages[1:], compression=how, dpi=(150, 150),
        tiffinfo={274: orientation},
    )  # fmt: skip
    return written.getvalue()


def heic(size: tuple[int, int] = (800, 600), orientation: int = 1) -> bytes:
    """A telephone's photograph with what it tells of its owner."""
    import pillow_heif

    photograph = Image.open(io.BytesIO(photo_jpeg(orientation, size)))
    written = io.BytesIO()
    pillow_heif.from_pillow(photograph).save(written, quality=80, exif=photograph.info.get("exif"))
    return written.getvalue()
