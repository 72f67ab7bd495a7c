"""The keys without which a backup cannot be read: of the encrypted columns, of the lookups, of the audit chains."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from services.kernel.config import ServiceSettings, split_keys
from services.kernel.crypto import KeyRing, SealBroken, keys_from_text
from services.kernel.errors import AppError, Kind

_CONTEXT = "backup.check"
_KNOWN_TEXT = "申报"


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyMaterial:
    """As the settings have it: a ring of `id:base64`, a lookup key, an audit key."""

    encryption_keys: str
    lookup_key: str
    audit_key: str

    @classmethod
    def of(cls, settings: ServiceSettings) -> "KeyMaterial":
        """From the environment."""
        return cls(
            encryption_keys=settings.encryption_keys, lookup_key=settings.lookup_key, audit_key=settings.audit_key
        )

    @classmethod
    def parse(cls, text: str) -> "KeyMaterial":
        """From a backup's secrets, or from a data folder's `secrets.json`. Raises `AppError` backup.bad-secrets."""
        try:
            known = json.loads(text)
            if "encryption" in known:
                known = {
                    "encryption_keys": f"a:{known['encryption']}",
                    "lookup_key": known["lookup"],
                    "audit_key": known["audit"],
                }
            found = cls(**{name: known[name] for name in ("encryption_keys", "lookup_key", "audit_key")})
            found.ring()
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise AppError("backup.bad-secrets", Kind.INVALID) from error
        return found

    def text(self) -> str:
        """The form that `parse` reads."""
        return json.dumps(asdict(self), indent=1)

    def ring(self) -> KeyRing:
        """For the encrypted columns. Raises `ValueError`."""
        return KeyRing(keys_from_text(split_keys(self.encryption_keys)), self.lookup_key.encode())

    def mac(self, body: bytes) -> str:
        """Proves that a manifest was written by who holds the audit key."""
        return hmac.new(self.audit_key.encode(), b"backup\n" + body, hashlib.sha256).hexdigest()

    def checks(self) -> dict[str, str]:
        """What tells later whether other keys are these, and tells nothing of them."""
        ring = self.ring()
        return {
            "sealed": base64.b64encode(ring.seal(_KNOWN_TEXT, _CONTEXT)).decode(),
            "lookup": ring.lookup(_KNOWN_TEXT, _CONTEXT).hex(),
        }

    def fit(self, checks: Mapping[str, str]) -> bool:
        """Whether these keys open what `checks` was made with."""
        ring = self.ring()
        try:
            opened = ring.open(base64.b64decode(checks["sealed"]), _CONTEXT)
        except (SealBroken, KeyError, ValueError):
            return False
        return opened == _KNOWN_TEXT and ring.lookup(_KNOWN_TEXT, _CONTEXT).hex() == checks.get("lookup")
