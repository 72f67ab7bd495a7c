"""Statements that are put together once: every fact about a file needs them, and that took as long as asking for them.

Those that read take `dossier_id`.
"""

from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from services.review.repository import tables


def _of_dossier(table: sa.Table) -> sa.Select[Any]:
    return sa.select(table).where(table.c.dossier_id == sa.bindparam("dossier_id"))


DOSSIER = _of_dossier(tables.dossiers).with_for_update()
FILES, CONFIRMATIONS, MATERIALS = map(_of_dossier, (tables.files, tables.confirmations, tables.materials))
DECISIONS = _of_dossier(tables.decisions).order_by(tables.decisions.c.at)
HEAD = _of_dossier(tables.audit_heads)
PROFILE = (
    sa.select(tables.dossiers.c.profile, tables.persons.c.name, tables.persons.c.id_number)
    .join(tables.persons, tables.persons.c.person_id == tables.dossiers.c.applicant_id)
    .where(tables.dossiers.c.dossier_id == sa.bindparam("dossier_id"))
)
AUDIT = sa.insert(tables.audit)


@cache
def upserting(table: sa.Table, keys: tuple[str, ...], names: tuple[str, ...]) -> pg.Insert:
    """Into columns `names`; where `keys` are there already, the others are changed."""
    statement = pg.insert(table)
    changing = {name: statement.excluded[name] for name in names if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=changing)
