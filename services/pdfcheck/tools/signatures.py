"""Who signed a PDF: what signature dictionaries say, and the certificates in their values. Nothing is verified.

A value is a CMS blob in a hexadecimal string that is padded with zeros. Chinese authorities also write it with the
object identifiers of GM/T 0010 (SM2, SM3), which general readers of CMS refuse, so certificates are then taken from
where CMS has them; their names and dates are read without understanding their keys.
"""

import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pikepdf
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID

from services.pdfcheck.domain.signatures import MOST_SIGNATURES, Signature, SignatureKind, plain

#: A real value has a chain and a time stamp: some 10 to 60 KB.
_MOST_VALUE_BYTES = 2**20
_MOST_CERTIFICATES = 16
#: A line's end may follow the last signed byte.
_TAIL_BYTES = 4
_DATE = re.compile(r"D?:?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:(Z)|([+-])(\d\d)'?(\d\d)?)?")
_SEQUENCE, _INTEGER, _CONTEXT_0 = 0x30, 0x02, 0xA0
_KINDS = {
    "/DocMDP": SignatureKind.CERTIFICATION,
    "/UR": SignatureKind.USAGE_RIGHTS,
    "/UR3": SignatureKind.USAGE_RIGHTS,
}
#: What reading a stranger's certificate may raise; each of them means that it cannot be read.
_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion, x509.UnsupportedGeneralNameType)


def read(dictionaries: Iterable[pikepdf.Dictionary], size_bytes: int) -> tuple[Signature, ...]:
    """The signatures among `dictionaries` that were really made, at most :data:`MOST_SIGNATURES`, in their order."""
    found: list[Signature] = []
    for each in dictionaries:
        value = _value(each)
        if value:
            found.append(_signature(each, value, size_bytes))
        if len(found) == MOST_SIGNATURES:
            break
    return tuple(found)


def _value(found: pikepdf.Dictionary) -> bytes:
    """The signature's value; empty where there is only room for one, or where it is no signature."""
    contents = found.get("/Contents")
    if "/ByteRange" not in found or not isinstance(contents, pikepdf.String):
        return b""
    value = bytes(contents)
    return value if value.strip(b"\x00") else b""


def _signature(found: pikepdf.Dictionary, value: bytes, size_bytes: int) -> Signature:
    certificate = _signer(value[:_MOST_VALUE_BYTES], found)
    end = _covered_end(found.get("/ByteRange"), size_bytes)
    dates = ("", "")
    subject = issuer = ""
    if certificate is not None:
        subject, issuer = _name(certificate, of_issuer=False), _name(certificate, of_issuer=True)
        with suppress(*_UNREADABLE):
            dates = (
                certificate.not_valid_before_utc.date().isoformat(),
                certificate.not_valid_after_utc.date().isoformat(),
            )
    return Signature(
        kind=_kind(found),
        name=_text(found, "/Name"),
        reason=_text(found, "/Reason"),
        signed_at=_moment(_text(found, "/M")),
        subject=subject,
        issuer=issuer,
        valid_from=dates[0],
        valid_until=dates[1],
        fits=end is not None,
        whole=end is not None and end >= size_bytes - _TAIL_BYTES,
    )


def _kind(found: pikepdf.Dictionary) -> SignatureKind:
    if found.get("/Type") == "/DocTimeStamp" or found.get("/SubFilter") == "/ETSI.RFC3161":
        return SignatureKind.TIMESTAMP
    references = found.get("/Reference")
    for each in list(references)[:_MOST_CERTIFICATES] if isinstance(references, pikepdf.Array) else ():
        if isinstance(each, pikepdf.Dictionary):
            kind = _KINDS.get(str(each.get("/TransformMethod")))
            if kind is not None:
                return kind
    return SignatureKind.APPROVAL


def _covered_end(ranges: object, size_bytes: int) -> int | None:
    """Where the covered bytes end: two stretches, the first from the start, a gap for the value. None where they do
    not lie within the file.
    """
    if not isinstance(ranges, pikepdf.Array) or len(ranges) != 4:
        return None
    told: list[object] = [ranges[number] for number in range(4)]
    numbers = [each for each in told if isinstance(each, int)]
    if len(numbers) != 4:
        return None
    first, length, second, rest = numbers
    if first != 0 or length <= 0 or second <= length or rest < 0 or second + rest > size_bytes:
        return None
    return second + rest


def _text(found: pikepdf.Dictionary, key: str) -> str:
    value = found.get(key)
    if not isinstance(value, pikepdf.String):
        return ""
    with suppress(ValueError):
        return plain(str(value))
    return ""


def _moment(written: str) -> str:
    """ISO 8601 of a PDF date (`D:20231015093000+08'00'`); "" for what is none. Without a zone it has none here."""
    told = _DATE.match(written)
    if told is None:
        return ""
    year, month, day, hour, minute, second = (int(part) if part else None for part in told.groups()[:6])
    zone = None
    if told[7]:
        zone = UTC
    elif told[8]:
        ahead = timedelta(hours=int(told[9]), minutes=int(told[10] or 0)) * (1 if told[8] == "+" else -1)
        zone = timezone(ahead) if abs(ahead) < timedelta(hours=24) else None
    with suppress(ValueError):
        return datetime(year or 0, month or 1, day or 1, hour or 0, minute or 0, second or 0, tzinfo=zone).isoformat()
    return ""


def _signer(value: bytes, found: pikepdf.Dictionary) -> x509.Certificate | None:
    """The signer's certificate: the one that the value refers to as the signer's, else one that issued no other."""
    held = list(_certificates(value, found))
    for each in held:
        with suppress(*_UNREADABLE):
            if each.issuer.public_bytes() + _integer(each.serial_number) in value:
                return each
    with suppress(*_UNREADABLE):
        issuers = {each.issuer.public_bytes() for each in held if each.issuer != each.subject}
        return next((each for each in held if each.subject.public_bytes() not in issuers), None)
    return None


def _certificates(value: bytes, found: pikepdf.Dictionary) -> Iterator[x509.Certificate]:
    """Those in the value, or beside it where a bare RSA signature is the value (`adbe.x509.rsa_sha1`)."""
    with warnings.catch_warnings(action="ignore"):  # of certificates that are not quite to the letter
        beside = found.get("/Cert")
        first = beside[0] if isinstance(beside, pikepdf.Array) and len(beside) else beside
        if isinstance(first, pikepdf.String):
            with suppress(*_UNREADABLE):
                yield x509.load_der_x509_certificate(bytes(first))
                return
        with suppress(*_UNREADABLE):
            yield from pkcs7.load_der_pkcs7_certificates(_without_padding(value))[:_MOST_CERTIFICATES]
            return
        for each in _written_certificates(value):
            with suppress(*_UNREADABLE):
                yield x509.load_der_x509_certificate(each)


def _without_padding(value: bytes) -> bytes:
    """As long as the blob says that it is; one of unstated length (BER) ends somewhere before the zeros."""
    body = _element(value, 0)
    return value[: body[2]] if body is not None else value


def _written_certificates(value: bytes) -> Iterator[bytes]:
    """ContentInfo → [0] → SignedData → [0] certificates, whatever the object identifiers are."""
    at = 0
    for tag in (_SEQUENCE, _CONTEXT_0, _SEQUENCE, _CONTEXT_0):
        found = next((each for each in _elements(value, at) if each[0] == tag), None)
        if found is None:
            return
        at = found[1]
    for number, (tag, _, end) in enumerate(_elements(value, at)):
        if tag != _SEQUENCE or number == _MOST_CERTIFICATES:
            return
        yield value[at:end]
        at = end


def _elements(data: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """(tag, where its content begins, where it ends) of a few elements from `at` on."""
    for _ in range(_MOST_CERTIFICATES + 1):
        found = _element(data, at)
        if found is None:
            return
        yield found
        at = found[2]


def _element(data: bytes, at: int) -> tuple[int, int, int] | None:
    """One DER element; None where none fits in."""
    if at + 2 > len(data):
        return None
    tag, length, begin = data[at], data[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        if not 1 <= size <= 4:
            return None
        length, begin = int.from_bytes(data[begin : begin + size], "big"), begin + size
    return (tag, begin, begin + length) if begin + length <= len(data) else None


def _integer(number: int) -> bytes:
    """DER of a positive number of fewer than 128 bytes."""
    body = number.to_bytes(number.bit_length() // 8 + 1, "big")
    return bytes((_INTEGER, len(body))) + body


def _name(certificate: x509.Certificate, *, of_issuer: bool) -> str:
    """The common name, else the organisation's; "" where it cannot be read."""
    with suppress(*_UNREADABLE):
        name = certificate.issuer if of_issuer else certificate.subject
        for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
            told = name.get_attributes_for_oid(kind)
            if told:
                value = told[0].value
                return plain(value if isinstance(value, str) else value.decode("utf-8", "replace"))
    return ""
