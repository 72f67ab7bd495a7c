"""Deleting any number of rows, a bounded number in each transaction: nobody waits long for a lock, and a crash in
between loses nothing.
"""

import sqlalchemy as sa

from services.kernel.db.engine import Database, Scope


async def delete_in_batches(
    database: Database, table: sa.Table, condition: sa.ColumnElement[bool], size: int, scope: Scope | None = None
) -> int:
    """Delete the rows of `table` that fulfil `condition`; how many there were."""
    key = list(table.primary_key.columns)
    batch = sa.select(*key).where(condition).limit(size)
    # The condition once more: a row that another transaction has changed meanwhile is looked at again.
    statement = sa.delete(table).where(condition, sa.tuple_(*key).in_(batch))
    deleted = 0
    while True:
        async with database.transaction(scope) as connection:
            count = (await connection.execute(statement)).rowcount
        deleted += count
        if count < size:
            return deleted
