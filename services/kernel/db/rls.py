"""Row-level security of a table that belongs to dossiers, for migrations."""

from alembic import op

_POLICY = """
CREATE POLICY {table}_scope ON {schema}.{table}
USING (
  starts_with({path}, nullif(current_setting('shenbao.scope', true), ''))
  AND coalesce(nullif(current_setting('shenbao.dossier', true), ''), {dossier}) = {dossier}
)
"""


def enable_row_level_security(
    schema: str,
    table: str,
    *,
    path_column: str = "organisation_path",
    dossier_column: str = "dossier_id",
) -> None:
    """Let nobody but a superuser see or write rows outside the transaction's scope, the owner included.

    A custom setting that was set for a transaction reads '' (not NULL) afterwards in the same session, hence
    `nullif`: '' means no rows, as unset does. A policy without WITH CHECK checks written rows by USING.
    """
    op.execute(f"ALTER TABLE {schema}.{table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {schema}.{table} FORCE ROW LEVEL SECURITY")
    op.execute(_POLICY.format(schema=schema, table=table, path=path_column, dossier=dossier_column))
