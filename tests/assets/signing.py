"""Signed documents as signing programs write them: a CMS value over the bytes around it, keys and people made up."""

import io
import random
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pikepdf
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.oid import NameOID
from pikepdf import Array, Dictionary, Name, Pdf, String

AUTHORITY, SIGNER = "测试 CA", "张三"
VALID_FROM, VALID_UNTIL = datetime(2023, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
#: Room for the value, in bytes, filled up with zeros.
ROOM = 4096
_GAP = b"<" + b"0" * (2 * ROOM) + b">"
#: Numbers as wide as any that stand there afterwards.
_RANGES = "[ 0 1111111111 2222222222 3333333333 ]"


def _prime(chance: random.Random) -> int:
    while True:
        number = chance.getrandbits(512) | 1 | 3 << 510
        if number % 65537 != 1 and all(pow(base, number - 1, number) == 1 for base in (2, 3, 5, 7)):
            return number


@cache
def key(seed: int = 1) -> rsa.RSAPrivateKey:
    """The same key for a seed every time; far too short for anything but tests."""
    chance = random.Random(seed)
    p, q = _prime(chance), _prime(chance)
    d = pow(65537, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(65537, p * q)
    )
    return numbers.private_key()


@cache
def certificate(name: str, issuer: str = AUTHORITY, serial: int = 7) -> x509.Certificate:
    """Of `name`, issued by `issuer`."""

    def named(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    builder = x509.CertificateBuilder(
        issuer_name=named(issuer), subject_name=named(name), public_key=key().public_key(), serial_number=serial,
        not_valid_before=VALID_FROM, not_valid_after=VALID_UNTIL,
    )  # fmt: skip
    return builder.sign(key(), hashes.SHA256())


def cms(covered: bytes, name: str = SIGNER) -> bytes:
    """A signature's value: detached, with the signer's certificate and its authority's."""
    builder = pkcs7.PKCS7SignatureBuilder().set_data(covered)
    builder = builder.add_signer(certificate(name), key(), hashes.SHA256())
    builder = builder.add_certificate(certificate(AUTHORITY, AUTHORITY, 1))
    options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary, pkcs7.PKCS7Options.NoAttributes]
    return builder.sign(Encoding.DER, options)


def add_field(pdf: Pdf, **keys: Any) -> None:
    """A signature field with a value that is still to be filled in (`filled`)."""
    value = Dictionary(
        Type=Name.Sig, Filter=Name("/Adobe.PPKLite"), SubFilter=Name("/adbe.pkcs7.detached"),
        ByteRange=Array([0, 1111111111, 2222222222, 3333333333]), Contents=String(b"\x00" * ROOM), **keys,
    )  # fmt: skip
    field = Dictionary(
        Type=Name.Annot, Subtype=Name.Widget, FT=Name.Sig, T=String("签名"), V=pdf.make_indirect(value),
        Rect=Array([0, 0, 0, 0]), P=pdf.pages[0].obj,
    )  # fmt: skip
    field = pdf.make_indirect(field)
    pdf.pages[0].obj.Annots = Array([field])
    pdf.Root.AcroForm = Dictionary(Fields=Array([field]), SigFlags=3)


def filled(document: bytes, value_of: Callable[[bytes], bytes] = cms) -> bytes:
    """With the byte ranges put right, and the value that `value_of` makes of what they cover."""
    at = document.rindex(_GAP)
    behind = at + len(_GAP)
    ranges = f"[ 0 {at} {behind} {len(document) - behind} ]"
    document = document.replace(_RANGES.encode(), ranges.ljust(len(_RANGES)).encode(), 1)
    value = value_of(document[:at] + document[behind:]).hex().encode()
    return document[:at] + b"<" + value.ljust(2 * ROOM, b"0") + b">" + document[behind:]


def appended(document: bytes, body: bytes = b"<< /Producer (later) >>") -> bytes:
    """An incremental update, as a program adds to a file without touching what is there: one object more."""
    before = int(document[: document.rindex(b"%%EOF")].rpartition(b"startxref")[2])
    with pikepdf.open(io.BytesIO(document)) as pdf:
        root, number = pdf.Root.objgen[0], len(pdf.objects) + 1
    at = len(document)
    update = b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"xref\n%d 1\n%010d 00000 n \n" % (number, at)
    end = b"trailer\n<< /Size %d /Root %d 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n"
    return document + update + table + end % (number + 1, root, before, at + len(update))
