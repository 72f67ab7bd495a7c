"""Encrypted values and keyed hashes for what is personal: ID numbers, file names, text read from files.

A sealed value is `version ‖ key id ‖ nonce ‖ ciphertext`, AES-256-GCM or SM4-GCM, bound to its context (schema,
table and column) as associated data, so a value cannot be moved to another column. Several keys may be known: the
first seals, every one opens. An encrypted value is found by its keyed hash, made with a key of its own.
"""

import base64
import hashlib
import hmac
import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
_TAG_BYTES = 16


class Algorithm(IntEnum):
    """The version byte of a sealed value."""

    AES_256_GCM = 1
    SM4_GCM = 2


class SealBroken(Exception):
    """A sealed value was altered, belongs to another context, or its key is not known."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SealKey:
    """One key of 32 bytes (SM4 uses the first 16)."""

    key_id: str
    secret: bytes

    def __post_init__(self) -> None:
        """Refuse what would be a weak or unrecognisable key."""
        if len(self.secret) != 32 or not 1 <= len(self.key_id.encode()) <= 32:
            raise ValueError("a key needs 32 bytes and an id of 1 to 32 bytes")


def keys_from_text(pairs: Sequence[tuple[str, str]]) -> tuple[SealKey, ...]:
    """Keys from (id, base64) pairs. Raises `ValueError`."""
    return tuple(SealKey(key_id=key_id, secret=base64.b64decode(secret, validate=True)) for key_id, secret in pairs)


class KeyRing:
    """Seals and opens text, and makes the keyed hashes."""

    def __init__(
        self, keys: Sequence[SealKey], lookup_key: bytes, algorithm: Algorithm = Algorithm.AES_256_GCM
    ) -> None:
        """`keys[0]` seals. Raises `ValueError` for an empty ring, two keys of one id or a short lookup key."""
        if not keys or len(lookup_key) < 32:
            raise ValueError("a key ring needs a key, and a lookup key of 32 bytes or more")
        self._keys = {key.key_id: key.secret for key in keys}
        if len(self._keys) < len(keys):
            raise ValueError("a key ring has the same key id twice")
        self._sealing = keys[0]
        self._lookup = lookup_key
        self._algorithm = algorithm

    def seal(self, text: str, context: str) -> bytes:
        """Encrypt `text` for `context` ("review.persons.id_number")."""
        key_id = self._sealing.key_id.encode()
        header = bytes([self._algorithm, len(key_id)]) + key_id
        nonce = os.urandom(_NONCE_BYTES)
        bound = header + context.encode()
        return header + nonce + _encrypt(self._algorithm, self._sealing.secret, nonce, text.encode(), bound)

    def open(self, sealed: bytes, context: str) -> str:
        """Decrypt. Raises `SealBroken`."""
        try:
            algorithm = Algorithm(sealed[0])
            end = 2 + sealed[1]
            secret = self._keys[sealed[2:end].decode()]
            nonce, body = sealed[end : end + _NONCE_BYTES], sealed[end + _NONCE_BYTES :]
            bound = sealed[:end] + context.encode()
            return _decrypt(algorithm, secret, nonce, body, bound).decode()
        except (InvalidTag, KeyError, ValueError, IndexError) as error:
            raise SealBroken(context) from error

    def lookup(self, text: str, context: str) -> bytes:
        """Keyed hash of the NFC form, equal for equal text in one context; 32 bytes."""
        message = context.encode() + b"\x00" + unicodedata.normalize("NFC", text).encode()
        return hmac.new(self._lookup, message, hashlib.sha256).digest()


def _encrypt(algorithm: Algorithm, secret: bytes, nonce: bytes, plain: bytes, bound: bytes) -> bytes:
    if algorithm is Algorithm.AES_256_GCM:
        return AESGCM(secret).encrypt(nonce, plain, bound)
    encryptor = Cipher(algorithms.SM4(secret[:16]), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(bound)
    return encryptor.update(plain) + encryptor.finalize() + encryptor.tag


def _decrypt(algorithm: Algorithm, secret: bytes, nonce: bytes, body: bytes, bound: bytes) -> bytes:
    if algorithm is Algorithm.AES_256_GCM:
        return AESGCM(secret).decrypt(nonce, body, bound)
    cipher, tag = body[:-_TAG_BYTES], body[-_TAG_BYTES:]
    decryptor = Cipher(algorithms.SM4(secret[:16]), modes.GCM(nonce, tag)).decryptor()
    decryptor.authenticate_additional_data(bound)
    return decryptor.update(cipher) + decryptor.finalize()
