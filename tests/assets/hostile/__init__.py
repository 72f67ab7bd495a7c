"""The hostile set: files made to break, exhaust or mislead whoever opens them, each by code and small on disk.

`KINDS` names each with what an applicant is told of it. Where the machine decides which limit is hit first, or whether
one is, `others` may stand beside it or instead. `heavy` ones take seconds and are left to `make hostile`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from tests.assets import pdf_fixtures as honest
from tests.assets.hostile import bombs, carried, lies, pictures, sealed

TOO_COMPLEX = frozenset({"pdf.too-complex"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """`codes` are found, all of them and no other, but for `others`. `file_name` is what the applicant called it."""

    make: Callable[[], bytes]
    codes: frozenset[str]
    others: frozenset[str] = frozenset()
    heavy: bool = False
    file_name: str = "材料.pdf"

    def allows(self, found: frozenset[str]) -> bool:
        """Whether that is what was to be found. With a limit hit nothing else need be said."""
        return (self.others >= TOO_COMPLEX and found == TOO_COMPLEX) or self.codes <= found <= self.codes | self.others


def _kind(
    make: Callable[[], bytes], *codes: str, others: str = "", heavy: bool = False, name: str = "材料.pdf"
) -> Kind:
    return Kind(make=make, codes=frozenset(codes), others=frozenset(others.split()), heavy=heavy, file_name=name)


def _just(data: bytes) -> Callable[[], bytes]:
    return lambda: data


_BOMBS = {
    "object stream with a string of 900 MB": _kind(honest.object_stream_bomb, "pdf.too-complex", heavy=True),
    "nested forms, 10^10 drawings": _kind(bombs.nested_forms, "pdf.page-undrawable", heavy=True),
    "deflated picture of 2.7 GB": _kind(pictures.deflated, "pdf.picture-oversized", heavy=True),
    "two million q": _kind(bombs.many_operators),
    "200,000 annotations": _kind(bombs.many_annotations, others="pdf.too-complex"),
    "50,000 repeated kids": _kind(bombs.repeated_kids, "pdf.too-complex", heavy=True),
    "arrays nested a million deep": _kind(bombs.nested_arrays, "pdf.repaired"),
    "arrays nested 202 deep": _kind(partial(bombs.nesting_to_the_edge, 202), "pdf.too-complex"),
    "arrays nested 201 deep": _kind(partial(bombs.nesting_to_the_edge, 201)),
    "dictionaries nested 200,000 deep": _kind(bombs.nested_dictionaries, "pdf.repaired"),
    "content deflated twice": _kind(bombs.deflated_twice, heavy=True),
    "bomb for unused resources": _kind(bombs.resources_bomb, "pdf.page-too-large", heavy=True),
    "content behind 3,000 filters": _kind(bombs.filter_chain),
    "run lengths": _kind(bombs.run_length_bomb),
    "predictor of 2^30 columns": _kind(bombs.predictor_bomb),
    "tiles of a thousandth of a point": _kind(bombs.pattern_bomb, "pdf.page-undrawable", heavy=True),
    "shading by a long calculation": _kind(bombs.function_bomb, "pdf.page-undrawable", heavy=True),
    "100,000 pages": _kind(bombs.many_pages, "pdf.too-complex", heavy=True),
    "page below 5,000 branches": _kind(bombs.deep_page_tree, "pdf.damaged"),
    "2,000 pages that reach 2,000 objects": _kind(bombs.shared_graph, "pdf.too-complex", heavy=True),
    "inline picture of 2.5 GB": _kind(bombs.inline_image_bomb),
}
_PICTURES = {
    "JPEG 2000 of 60,000²": _kind(pictures.jpx_bomb, "pdf.picture-oversized"),
    "JBIG2 of 100,000²": _kind(pictures.jbig2_bomb, "pdf.picture-oversized"),
    "fax of 60,000²": _kind(pictures.fax_bomb, "pdf.picture-oversized", heavy=True),
    "palette of 2^31 colours": _kind(pictures.indexed_bomb),
    "PNG of 20,000²": _kind(pictures.png_bomb, "pdf.too-complex", name="图.png", heavy=True),
    "PNG that claims 200,000²": _kind(pictures.png_claim, "pdf.too-complex", name="图.png"),
    "PNG with a comment of 500 MB": _kind(pictures.png_text_bomb, "image.damaged", name="图.png", heavy=True),
    "PNG with a profile of 500 MB": _kind(pictures.png_profile_bomb, "image.damaged", name="图.png", heavy=True),
    "PNG with more behind its end": _kind(pictures.png_with_more_behind, name="图.png"),
    "PNG with an odd palette": _kind(pictures.png_odd_palette, "image.damaged", name="图.png"),
    "PNG with half its rows": _kind(pictures.png_short, "image.damaged", name="图.png"),
    "JPEG that claims 65535²": _kind(pictures.jpeg_claim, "pdf.too-complex", name="照片.jpg"),
    "JPEG that claims 65535² in a document": _kind(pictures.jpeg_claim_in_pdf, "pdf.picture-oversized"),
    "JPEG of 5,000 scans": _kind(pictures.progressive_bomb, "pdf.too-complex", heavy=True, name="照片.jpg"),
    "EXIF of loops and lies": _kind(pictures.exif_bomb, name="照片.jpg"),
    "MPO of fifty broken pictures": _kind(pictures.many_pictures_in_one, name="照片.jpg"),
    "TIFF called JPEG": _kind(pictures.tiff, "file.type-mismatch", name="照片.jpg"),
    "HEIC called JPEG": _kind(
        _just(pictures.disguised(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00heicmif1")), "image.damaged", name="照片.jpg"
    ),
    "TIFF that claims 100,000²": _kind(partial(pictures.tiff_of, 100_000), "pdf.too-complex", name="扫描.tif"),
    "TIFF with fewer rows than it says": _kind(partial(pictures.tiff_of, 500), "image.damaged", name="扫描.tif"),
    "TIFF whose pages never end": _kind(partial(pictures.tiff_of, 4, loops=True), name="扫描.tif"),
    "GIF called JPEG": _kind(_just(pictures.disguised(b"GIF89a")), "pdf.not-pdf", name="照片.jpg"),
}
_DISGUISED = {
    "empty": _kind(bytes, "file.empty"),
    "web page renamed": _kind(honest.html, "pdf.not-pdf"),
    "JPEG renamed": _kind(honest.scan_jpeg, "file.type-mismatch"),
    "PNG renamed": _kind(honest.png, "file.type-mismatch"),
    "ZIP renamed": _kind(_just(pictures.disguised(b"PK\x03\x04")), "pdf.not-pdf"),
    "Word renamed": _kind(_just(pictures.disguised(b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml")), "pdf.not-pdf"),
    "old Word renamed": _kind(_just(pictures.disguised(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")), "pdf.not-pdf"),
    "RAR renamed": _kind(_just(pictures.disguised(b"Rar!\x1a\x07\x01\x00")), "pdf.not-pdf"),
    "program renamed": _kind(_just(pictures.disguised(b"MZ\x90\x00")), "pdf.not-pdf"),
    "document called a picture": _kind(honest.scanned_pdf, "file.type-mismatch", name="照片.jpg"),
    "ZIP behind the document": _kind(lies.zip_behind, "pdf.foreign-bytes", others="pdf.repaired"),
    "script in front of the document": _kind(lies.program_in_front, "pdf.foreign-bytes"),
    "web page in front of the document": _kind(lies.page_of_html_in_front, "pdf.foreign-bytes"),
    "document in a picture's comment": _kind(lies.jpeg_in_front, "file.type-mismatch"),
    "header behind the first kilobyte": _kind(lambda: b"\n" * 1100 + honest.tiny_pdf(), "pdf.not-pdf"),
}
_LIES = {
    "page tree that leads back": _kind(honest.cyclic, "pdf.damaged"),
    "page tree of nothing": _kind(lies.kids_of_nothing, "pdf.damaged"),
    "page that is its own parent": _kind(lies.parent_loop, "pdf.repaired"),
    "table that precedes itself": _kind(lies.xref_loop, "pdf.damaged"),
    "table in front of the file": _kind(lies.xref_of_nothing, "pdf.repaired"),
    "table of 2^31 entries of no bytes": _kind(lies.xref_stream_claim, "pdf.damaged"),
    "object stream in itself": _kind(lies.object_stream_loop, "pdf.repaired"),
    "stream that is its own length": _kind(lies.length_of_itself, "pdf.damaged"),
    "length of ten bytes": _kind(honest.lying_length, "pdf.repaired"),
    "length of 2^63": _kind(partial(lies.length, b"9223372036854775807"), "pdf.damaged"),
    "negative length": _kind(partial(lies.length, b"-5"), "pdf.repaired"),
    "no page": _kind(honest.no_pages, "pdf.empty"),
    "lost page": _kind(honest.lost_page, "pdf.damaged"),
    "cut off": _kind(honest.truncated, "pdf.damaged"),
    "linearised and cut off": _kind(sealed.linearised_and_cut_off, "pdf.damaged"),
    "rotten picture": _kind(honest.rotten_pdf, "pdf.picture-damaged"),
    "bookmarks that loop": _kind(lies.outline_loop),
    "form field that is its own kid": _kind(lies.form_loop),
    "names and labels that loop": _kind(lies.name_tree_loop),
    "form that draws itself": _kind(lies.form_draws_itself),
    "soft mask through itself": _kind(lies.soft_mask_loop),
    "objects of impossible numbers": _kind(lies.far_reference, "pdf.damaged"),
    "numbers of 100,000 digits": _kind(lies.huge_number, "pdf.damaged"),
    "names that are no text": _kind(lies.name_of_no_text, "pdf.picture-damaged", others="pdf.repaired"),
    "version of eleven digits": _kind(lies.version_of_99999999999, others="pdf.repaired"),
    "name of a million letters": _kind(lies.huge_name),
    "page of 10^9 units": _kind(partial(lies.box, b"[ 0 0 1000000000 1000000000 ]"), "pdf.page-outsized"),
    "page of 14,401 units": _kind(partial(lies.box, b"[ 0 0 14401 10 ]"), "pdf.page-outsized"),
    "page of 14,400 units": _kind(partial(lies.box, b"[ 0 0 14400 10 ]")),
    "page without area": _kind(partial(lies.box, b"[ 0 0 595 0 ]"), "pdf.page-without-size"),
    "page whose size is text": _kind(partial(lies.box, b"[ (a) /b null << >> ]"), "pdf.repaired"),
    "page upside down in its box": _kind(partial(lies.box, b"[ 595 842 0 0 ]")),
    "page without content": _kind(lies.without_content, "pdf.page-without-content"),
}
_ACTING: Mapping[str, Callable[[], bytes]] = {
    "script on opening": partial(carried.acting, b"<< /S /JavaScript /JS (app.alert\\(1\\)) >>"),
    "script in the tree of names": carried.script_by_name,
    "script spelled with #": carried.script_named_in_hexadecimal,
    "script of a field": partial(
        carried.annotated, b"/Subtype /Widget /FT /Tx /T (x) /AA << /K << /S /JavaScript /JS (x) >> >>"
    ),
    "program started": partial(carried.annotated, b"/Subtype /Link /A << /S /Launch /F (cmd.exe) >>"),
    "form sent away": partial(carried.annotated, b"/Subtype /Link /A << /S /SubmitForm /F (http://x) >>"),
    "data brought in": partial(carried.annotated, b"/Subtype /Link /A << /S /ImportData /F (x.fdf) >>"),
    "form emptied": partial(carried.acting, b"<< /S /ResetForm >>"),
    "embedded file opened": partial(carried.acting, b"<< /S /GoToE /T << /R /C /N (x) >> >>"),
    "other file opened": partial(carried.acting, b"<< /S /GoToR /F (x.pdf) /D [ 0 /Fit ] >>"),
    "film by action": partial(carried.annotated, b"/Subtype /Screen /A << /S /Rendition /OP 0 >>"),
    "film": partial(carried.annotated, b"/Subtype /Movie /Movie << /F (x.avi) >>"),
    "sound": partial(carried.annotated, b"/Subtype /Sound"),
    "3D": partial(carried.annotated, b"/Subtype /3D"),
    "rich media": partial(carried.annotated, b"/Subtype /RichMedia"),
    "second action": partial(carried.acting, b"<< /S /GoTo /D [ 3 0 R /Fit ] /Next << /S /Launch /F (x) >> >>"),
}
_ACTIVE = {name: _kind(make, "pdf.active-content") for name, make in _ACTING.items()}
_CARRIED = {
    "file in the tree of names": _kind(
        partial(carried.attached, b"/Names << /EmbeddedFiles << /Names [ (x) 11 0 R ] >> >>"), "pdf.embedded-files"
    ),
    "file pinned to a page": _kind(
        partial(
            carried.attached,
            b"/Annots [ << /Type /Annot /Subtype /FileAttachment /Rect [ 0 0 9 9 ] /FS 11 0 R >> ]",
            on_page=True,
        ),
        "pdf.embedded-files",
    ),
    "associated file": _kind(partial(carried.attached, b"/AF [ 11 0 R ]"), "pdf.embedded-files"),
    "portfolio": _kind(carried.portfolio, "pdf.portfolio", "pdf.embedded-files"),
    "XFA with a script": _kind(carried.script_form, "pdf.xfa"),
    "layer that is off": _kind(carried.hidden_layers, "pdf.hidden-layers"),
    "font of lies": _kind(carried.broken_font),
    "font that draws itself": _kind(carried.font_draws_itself),
    "map of all characters": _kind(carried.character_map_bomb),
}
_SEALED = {
    "password": _kind(partial(honest.encrypted, user="1234"), "pdf.encrypted"),
    "restricted by its owner": _kind(honest.encrypted, "pdf.owner-restricted"),
    "lock for certificates": _kind(
        partial(sealed.locked_by, b"Adobe.PubSec", b"/SubFilter /adbe.pkcs7.s5 /Recipients [ <30> ]"),
        "pdf.encrypted-for-others",
    ),
    "lock of an e-book": _kind(partial(sealed.locked_by, b"EBX_HANDLER"), "pdf.encrypted-unknown"),
    "lock of itself": _kind(sealed.lock_of_itself, "pdf.damaged"),
    "signed": _kind(honest.signed, "pdf.signed"),
    "signed with room for a million bytes": _kind(
        sealed.signed_with_much_room, "pdf.signature-broken", "pdf.signed", others="pdf.repaired"
    ),
    "signed beyond its end": _kind(sealed.signed_beyond_its_end, "pdf.signature-broken", "pdf.signed"),
    "signed by nobody": _kind(sealed.signed_by_nobody, "pdf.signed"),
    "signed with tricks": _kind(sealed.signed_with_tricks, "pdf.signed"),
    "2,000 signatures": _kind(sealed.signed_many_times, "pdf.changed-after-signing", "pdf.signed"),
    "certified, then changed": _kind(sealed.certified_then_changed, "pdf.changed-after-signing", "pdf.signed"),
    "titled with tricks": _kind(sealed.titled_with_tricks),
    "room for a signature": _kind(partial(honest.signed, made=False)),
}
#: Name → kind. Everything that the notes on hostile files name is here.
KINDS: Mapping[str, Kind] = {**_BOMBS, **_PICTURES, **_DISGUISED, **_LIES, **_ACTIVE, **_CARRIED, **_SEALED}
