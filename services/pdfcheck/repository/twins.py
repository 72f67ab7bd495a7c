"""The same page in several dossiers, in PostgreSQL: one row for a pair, in the dossier that was looked at later.

What is read spans dossiers, so each query says itself whose rows it may give; row-level security stands behind it.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from sqlalchemy.ext.asyncio import AsyncConnection

from services.kernel.db.engine import EVERYTHING, Database, Scope
from services.pdfcheck.domain.prints import NEAR_ELSEWHERE
from services.pdfcheck.ports import NearElsewhere, PageElsewhere, Subject, Twin
from services.pdfcheck.repository.qualities import WIDE, prints
from services.pdfcheck.repository.reports import metadata

#: Candidates of one file; of each page; of each page in one dossier, which may hold a scan and what was made of it.
MOST_CANDIDATES, OF_A_PAGE, OF_A_DOSSIER = 600, 20, 3
#: What is given of a dossier, and of each page: a form that everybody has is not told a thousand times.
MOST_GIVEN, GIVEN_OF_A_PAGE = 400, 20
twins = sa.Table(
    "twins",
    metadata,
    sa.Column("file_id", sa.Text, primary_key=True),
    sa.Column("page", sa.Integer, primary_key=True),
    sa.Column("other_file_id", sa.Text, primary_key=True),
    sa.Column("other_page", sa.Integer, primary_key=True),
    *(sa.Column(name, sa.Text, nullable=False) for name in ("dossier_id", "organisation_path")),
    *(sa.Column(name, sa.Text, nullable=False) for name in ("other_dossier_id", "other_organisation_path")),
    sa.Column("likeness", sa.Float, nullable=False),
    *(sa.Index(f"twins_{name}", name) for name in ("dossier_id", "other_dossier_id", "other_file_id")),
)
_PAGE = ("dossier_id", "organisation_path", "file_id", "page")


class PostgresTwins:
    """See the port."""

    def __init__(self, database: Database) -> None:
        """`database` is the service's own."""
        self._database = database

    async def near(self, dossier_id: str, file_id: str) -> tuple[NearElsewhere, ...]:
        """See the port. One of its own organisation goes before others that are as near: more of its reviewers may be
        told.
        """
        async with self._database.transaction(EVERYTHING) as connection:
            rows = (await connection.execute(_nearest(dossier_id, file_id))).mappings().all()
        return tuple(
            NearElsewhere(
                page=row["own_page"], other=PageElsewhere(**{name: row[name] for name in _PAGE}), apart=row["apart"]
            )
            for row in rows
        )

    async def below(self, dossier_id: str, office_path: str, file_ids: Sequence[str]) -> tuple[Twin, ...]:
        """See the port."""
        query = _given(dossier_id, office_path, file_ids)
        async with self._database.transaction(Scope(organisation_path=office_path)) as connection:
            rows = (await connection.execute(query)).mappings().all()
        return tuple(
            Twin(
                file_id=row["own_file_id"], page=row["own_page"], likeness=row["likeness"],
                other=PageElsewhere(**{name: row[name] for name in _PAGE}),
            )
            for row in rows
        )  # fmt: skip

    async def save(self, connection: AsyncConnection, subject: Subject, found: Sequence[Twin]) -> None:
        """See the port."""
        await connection.execute(sa.delete(twins).where(twins.c.file_id == subject.file_id))
        rows = [
            {
                **{name: getattr(subject, name) for name in ("dossier_id", "organisation_path", "file_id")},
                "page": each.page,
                **{f"other_{name}": getattr(each.other, name) for name in _PAGE},
                "likeness": each.likeness,
            }
            for each in found
        ]
        if rows:
            await connection.execute(sa.insert(twins), rows)

    async def forget(self, connection: AsyncConnection, file_id: str) -> None:
        """See the port."""
        either = (twins.c.file_id == file_id) | (twins.c.other_file_id == file_id)
        await connection.execute(sa.delete(twins).where(either))


def _nearest(dossier_id: str, file_id: str) -> sa.Select[tuple[object, ...]]:
    """Rows of `_PAGE` with `own_page` and `apart`."""
    mine, other = prints.alias("mine"), prints.alias("other")
    apart = sa.func.bit_count(sa.cast(mine.c.print.bitwise_xor(other.c.print), pg.BIT(64)))
    near = (
        sa.select(
            mine.c.page.label("own_page"),
            *(other.c[name] for name in _PAGE),
            apart.label("apart"),
            (other.c.organisation_path != mine.c.organisation_path).label("far"),
        )
        .where(mine.c.file_id == file_id, mine.c.dossier_id == dossier_id, other.c.dossier_id != dossier_id)
        .where(sa.or_(*(mine.c[piece] == other.c[piece] for piece in WIDE)), apart <= NEAR_ELSEWHERE)
        .subquery("near")
    )
    order = (near.c.apart, near.c.far, near.c.dossier_id, near.c.file_id, near.c.page)
    of_dossier = sa.func.row_number().over(partition_by=(near.c.own_page, near.c.dossier_id), order_by=order)
    few = sa.select(near, of_dossier.label("of_dossier")).subquery("few")
    order = (few.c.apart, few.c.far, few.c.dossier_id, few.c.file_id, few.c.page)
    of_page = sa.func.row_number().over(partition_by=few.c.own_page, order_by=order).label("of_page")
    ranked = sa.select(few, of_page).where(few.c.of_dossier <= OF_A_DOSSIER).subquery("ranked")
    return (
        sa.select(ranked)
        .where(ranked.c.of_page <= OF_A_PAGE)
        .order_by(ranked.c.apart, ranked.c.own_page, ranked.c.of_page)
        .limit(MOST_CANDIDATES)
    )


def _given(dossier_id: str, office_path: str, file_ids: Sequence[str]) -> sa.Select[tuple[object, ...]]:
    """Rows of `_PAGE` with `own_file_id`, `own_page` and `likeness`. A row that was written while one of its files was
    being deleted is passed over: that page has no hash any more.
    """
    table = twins.c
    mine = [
        table.file_id.label("own_file_id"), table.page.label("own_page"),
        *(table[f"other_{name}"].label(name) for name in _PAGE), table.likeness,
    ]  # fmt: skip
    theirs = [
        table.other_file_id.label("own_file_id"), table.other_page.label("own_page"),
        *(table[name] for name in _PAGE), table.likeness,
    ]  # fmt: skip
    paths = (table.organisation_path, table.other_organisation_path)
    allowed = [sa.func.starts_with(path, office_path) for path in paths]
    both = sa.union_all(
        sa.select(*mine).where(table.dossier_id == dossier_id, *allowed),
        sa.select(*theirs).where(table.other_dossier_id == dossier_id, *allowed),
    ).subquery("both")
    names = ("own_file_id", "own_page", *_PAGE)
    pages = ((both.c.own_file_id, both.c.own_page), (both.c.file_id, both.c.page))
    there = [sa.exists().where(prints.c.file_id == file, prints.c.page == page) for file, page in pages]
    once = (
        sa.select(*(both.c[name] for name in names), sa.func.max(both.c.likeness).label("likeness"))
        .where(*there, *([both.c.own_file_id.in_(list(file_ids))] if file_ids else []))
        .group_by(*(both.c[name] for name in names))
        .subquery("once")
    )
    order = (once.c.likeness.desc(), once.c.dossier_id, once.c.file_id, once.c.page)
    place = sa.func.row_number().over(partition_by=(once.c.own_file_id, once.c.own_page), order_by=order)
    placed = sa.select(once, place.label("place")).subquery("placed")
    return (
        sa.select(placed)
        .where(placed.c.place <= GIVEN_OF_A_PAGE)
        .order_by(placed.c.own_file_id, placed.c.own_page, placed.c.place)
        .limit(MOST_GIVEN)
    )
