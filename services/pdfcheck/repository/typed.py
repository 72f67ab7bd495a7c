"""Texts that were typed, in PostgreSQL. Sealed: they tell of people."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kernel.crypto import KeyRing
from services.kernel.db.engine import Database, Scope
from services.pdfcheck.ports import Subject, TypedText
from services.pdfcheck.repository.reports import metadata, texts, upsert

_BODY = "pdfcheck.typed.body"
typed = sa.Table(
    "typed",
    metadata,
    sa.Column("file_id", sa.Text, primary_key=True),
    *texts("dossier_id", "organisation_path", "material_id", "component_id"),
    sa.Column("typed_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Index("typed_component", "material_id", "component_id"),
)


class PostgresTypedTexts:
    """See the port."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        """`database` is the service's own."""
        self._database = database
        self._keys = keys

    async def of(self, place: Subject) -> Sequence[TypedText]:
        """See the port."""
        own = (typed.c.material_id == place.material_id, typed.c.component_id == place.component_id)
        query = sa.select(typed).where(*own).order_by(typed.c.typed_at.desc(), typed.c.file_id.desc())
        async with self._database.transaction(_scope(place)) as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [
            TypedText(
                file_id=row["file_id"], text=self._keys.open(row["body"], _BODY), typed_at=row["typed_at"]
            )
            for row in rows
        ]  # fmt: skip

    async def save(self, place: Subject, text: TypedText) -> None:
        """See the port."""
        values = {
            "file_id": text.file_id,
            "dossier_id": place.dossier_id,
            "organisation_path": place.organisation_path,
            "material_id": place.material_id,
            "component_id": place.component_id,
            "typed_at": text.typed_at,
            "body": self._keys.seal(text.text, _BODY),
        }
        async with self._database.transaction(_scope(place)) as connection:
            await upsert(connection, typed, values, "file_id")

    async def remove(self, place: Subject) -> None:
        """See the port."""
        async with self._database.transaction(_scope(place)) as connection:
            await self.forget(connection, place.file_id)

    async def forget(self, connection: AsyncConnection, file_id: str) -> None:
        """See the port."""
        await connection.execute(sa.delete(typed).where(typed.c.file_id == file_id))


def _scope(place: Subject) -> Scope:
    return Scope(organisation_path=place.organisation_path, dossier_id=place.dossier_id)
