"""Identifiers as something that is handed in: time-ordered UUIDs (version 7) in production, counted ones in tests."""

from typing import Protocol

import uuid_utils


class Ids(Protocol):
    """Makes identifiers."""

    def new(self) -> str:
        """A fresh identifier, unique for ever, in the 36-character UUID form."""
        ...


class TimeOrderedIds:
    """UUID version 7: later ones sort after earlier ones, so indexes stay compact."""

    def new(self) -> str:
        """A fresh UUID version 7."""
        return str(uuid_utils.uuid7())
