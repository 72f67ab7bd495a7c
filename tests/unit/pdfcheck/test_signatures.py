"""Who signed a document, by its own words: certificates, dictionaries, tricks in both, and values that are none."""

import io
from collections.abc import Callable
from typing import Any

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Pdf, String

from services.pdfcheck.domain.signatures import (
    MOST_CHARACTERS,
    MOST_SIGNATURES,
    Signature,
    SignatureKind,
    from_json,
    plain,
    signers,
)
from services.pdfcheck.tools.inspect import facts_of
from tests.assets import pdf_fixtures as made
from tests.assets import signing
from tests.assets.hostile import sealed
from tests.assets.raw_pdf import document, page


def signatures(content: bytes) -> tuple[Signature, ...]:
    return facts_of(io.BytesIO(content), made.PAGE_LIMIT).signatures


def signed(value_of: Callable[[bytes], bytes] = signing.cms, **keys: Any) -> bytes:
    with Pdf.open(io.BytesIO(document(page()))) as pdf:
        signing.add_field(pdf, **keys)
        return signing.filled(made.saved(pdf), value_of)


def test_what_dictionary_and_certificate_say() -> None:
    [told] = signatures(made.signed())
    assert told == Signature(
        kind=SignatureKind.APPROVAL,
        name="张三",
        reason="本人承诺材料真实",
        signed_at="2024-05-01T09:30:00+08:00",
        subject="张三",
        issuer="测试 CA",
        valid_from="2023-01-01",
        valid_until="2026-01-01",
    )
    assert told.signer == "张三"


def test_room_for_a_signature_is_none() -> None:
    facts = facts_of(io.BytesIO(made.signed(made=False)), made.PAGE_LIMIT)
    assert (facts.signed, facts.signatures) == (False, ())


def test_the_signers_certificate_is_told_from_its_authoritys() -> None:
    """Whichever stands first in the value."""
    [told] = signatures(signed(lambda covered: signing.cms(covered, "李四")))
    assert (told.subject, told.issuer) == ("李四", signing.AUTHORITY)


def test_a_value_with_object_identifiers_of_its_own_still_names_its_signer() -> None:
    """GM/T 0010 writes CMS with others than PKCS #7 has."""
    pkcs7_oid = bytes.fromhex("06092a864886f70d010702")
    other_oid = bytes.fromhex("060a2a811ccf550601040202")[:11]

    def foreign(covered: bytes) -> bytes:
        value = signing.cms(covered)
        assert value.count(pkcs7_oid) == 1
        return value.replace(pkcs7_oid, b"\x06\x09" + other_oid[2:])

    [told] = signatures(signed(foreign))
    assert (told.subject, told.issuer) == (signing.SIGNER, signing.AUTHORITY)


@pytest.mark.parametrize(
    "value",
    [b"\x01", b"\x30\x80" * 900, b"\x30\x84\xff\xff\xff\xff", b"\xff" * 4000, b"\x30\x03\x02\x01", b"\xa0\x80\x00\x01"],
)
def test_a_value_that_is_none_breaks_nothing(value: bytes) -> None:
    [told] = signatures(signed(lambda _: value, Name=String("王五")))
    assert (told.subject, told.issuer, told.valid_from, told.signer) == ("", "", "", "王五")


def test_a_value_that_is_cut_off_anywhere_breaks_nothing() -> None:
    whole = signing.cms(b"x")
    for length in range(1, len(whole), 97):
        [told] = signatures(signed(lambda _, length=length: whole[:length]))  # type: ignore[misc]
        assert told.kind is SignatureKind.APPROVAL


def test_a_bare_signature_with_its_certificate_beside_it() -> None:
    from cryptography.hazmat.primitives.serialization import Encoding

    beside = String(signing.certificate("赵六").public_bytes(Encoding.DER))
    for cert in (beside, Array([beside])):
        [told] = signatures(signed(lambda _: b"\x04\x10" + b"s" * 16, Cert=cert))
        assert told.subject == "赵六"


def test_tricks_in_names_are_taken_out() -> None:
    [told] = signatures(sealed.signed_with_tricks())
    assert told.subject == "王五"
    assert told.name.startswith("李四 <script>长")
    assert len(told.name) == MOST_CHARACTERS


@pytest.mark.parametrize(
    ("keys", "kind"),
    [
        ({}, SignatureKind.APPROVAL),
        ({"Reference": Array([Dictionary(TransformMethod=Name.DocMDP)])}, SignatureKind.CERTIFICATION),
        ({"Reference": Array([Dictionary(TransformMethod=Name.UR3)])}, SignatureKind.USAGE_RIGHTS),
        ({"Reference": Array([Dictionary(TransformMethod=Name.FieldMDP)])}, SignatureKind.APPROVAL),
        ({"Reference": Name.Odd}, SignatureKind.APPROVAL),
        ({"Type": Name.DocTimeStamp}, SignatureKind.TIMESTAMP),
        ({"SubFilter": Name("/ETSI.RFC3161")}, SignatureKind.TIMESTAMP),
    ],
)
def test_what_it_is_for(keys: dict[str, Any], kind: SignatureKind) -> None:
    def change(pdf: Pdf) -> None:
        signing.add_field(pdf)
        value = pdf.Root.AcroForm.Fields[0].V
        for key, said in keys.items():
            value[f"/{key}"] = said

    content = signing.filled(made.pdf_of([made.scan_jpeg(14, "一页", (62, 88))], change))
    facts = facts_of(io.BytesIO(content), made.PAGE_LIMIT)
    assert [each.kind for each in facts.signatures] == [kind]
    assert facts.signed == (kind in (SignatureKind.APPROVAL, SignatureKind.CERTIFICATION))


def test_what_was_added_later_is_not_covered() -> None:
    content = made.signed()
    [whole], [later] = signatures(content), signatures(signing.appended(content))
    assert (whole.whole, later.whole, later.fits) == (True, False, True)


@pytest.mark.parametrize(
    "ranges", ["[ 0 9 8 1 ]", "[ 1 9 11 1 ]", "[ 0 0 0 0 ]", "[ 0 9 ]", "[ (a) /b 1 2 ]", "[ 0 9 11 99999999 ]", "null"]
)
def test_ranges_that_are_none_of_this_file(ranges: str) -> None:
    one = b"<< /Type /Sig /ByteRange %b /Contents <3080> >>" % ranges.encode()
    told = signatures(document({**page(), 10: one}))
    assert [each.fits for each in told] == ([False] if ranges != "null" else [])


def test_of_very_many_some_are_kept() -> None:
    assert len(signatures(sealed.signed_many_times())) == MOST_SIGNATURES


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("D:20240501093000+08'00'", "2024-05-01T09:30:00+08:00"),
        ("D:20240501093000Z", "2024-05-01T09:30:00+00:00"),
        ("D:20240501093000-05'30", "2024-05-01T09:30:00-05:30"),
        ("D:2024", "2024-01-01T00:00:00"),
        ("20240501", "2024-05-01T00:00:00"),
        ("D:20241399999999+99'99'", ""),
        ("D:00000000", ""),
        ("yesterday", ""),
        ("", ""),
    ],
)
def test_moments(written: str, moment: str) -> None:
    [told] = signatures(signed(M=String(written)))
    assert told.signed_at == moment


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("张三", "张三"),
        ("a\x00b\x07c", "abc"),
        ("a\u202eb\u2066c\u200bd", "abcd"),
        ("  a \n\t b  ", "a b"),
        ("x" * MOST_CHARACTERS, "x" * MOST_CHARACTERS),
        ("x" * (MOST_CHARACTERS + 1), "x" * (MOST_CHARACTERS - 1) + "…"),
        ("\udc80", ""),
    ],
)
def test_plain_text(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_signers_are_named_once_and_no_machine_among_them() -> None:
    def one(kind: SignatureKind, subject: str = "", name: str = "") -> Signature:
        return Signature(kind=kind, subject=subject, name=name)

    told = [
        one(SignatureKind.APPROVAL, "张三", "别名"),
        one(SignatureKind.TIMESTAMP, "时间戳服务"),
        one(SignatureKind.CERTIFICATION, "", "李四"),
        one(SignatureKind.USAGE_RIGHTS, "Adobe"),
        one(SignatureKind.APPROVAL),
        one(SignatureKind.APPROVAL, "张三"),
    ]
    assert signers(told) == ("张三", "李四")


def test_there_and_back_and_nothing_else() -> None:
    told = Signature(kind=SignatureKind.CERTIFICATION, subject="张三", whole=False)
    assert from_json(told.to_json()) == told
    with pytest.raises(ValueError):
        from_json({**told.to_json(), "kind": "odd"})
    with pytest.raises(KeyError):
        from_json({"kind": "approval"})


def test_a_signature_that_is_merged_is_attached_and_no_longer_a_value() -> None:
    """What keeps the original: `signed` of the facts is what the merge goes by."""
    with pikepdf.open(io.BytesIO(made.signed())) as pdf:
        assert pdf.Root.AcroForm.Fields[0].V.Contents is not None
    assert facts_of(io.BytesIO(made.signed()), made.PAGE_LIMIT).signed
