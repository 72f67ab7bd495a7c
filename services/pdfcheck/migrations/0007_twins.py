"""The same page in several dossiers, and wide pieces of perceptual hashes by which it is found among all of them."""

import sqlalchemy as sa
from alembic import op

from services.kernel.db.rls import enable_row_level_security

revision = "pdfcheck_0007"
down_revision = "pdfcheck_0006"
branch_labels = None
depends_on = None
#: Two hashes that differ in at most three of 64 bits have one of four pieces in common.
_WIDE = tuple(f"wide_{number}" for number in range(4))
_OWN = ("file_id", "dossier_id", "organisation_path")


def upgrade() -> None:
    """Make the table. The pieces are computed by the database, also those of pages that were seen before: row-level
    security would hide these from an UPDATE.
    """
    columns = ", ".join(
        f"ADD COLUMN {name} integer GENERATED ALWAYS AS (((print >> {16 * number}) & 65535::bigint)::integer) STORED"
        for number, name in enumerate(_WIDE)
    )
    op.execute(f"ALTER TABLE pdfcheck.prints {columns}")
    for name in _WIDE:
        op.create_index(f"prints_{name}", "prints", [name], schema="pdfcheck")
    op.create_table(
        "twins",
        sa.Column("file_id", sa.Text, primary_key=True),
        sa.Column("page", sa.Integer, primary_key=True),
        sa.Column("other_file_id", sa.Text, primary_key=True),
        sa.Column("other_page", sa.Integer, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in _OWN[1:]),
        *(sa.Column(f"other_{name}", sa.Text, nullable=False) for name in _OWN[1:]),
        sa.Column("likeness", sa.Float, nullable=False),
        schema="pdfcheck",
    )
    for name in ("dossier_id", "other_dossier_id", "other_file_id"):
        op.create_index(f"twins_{name}", "twins", [name], schema="pdfcheck")
    enable_row_level_security("pdfcheck", "twins")


def downgrade() -> None:
    """Remove both."""
    op.drop_table("twins", schema="pdfcheck")
    for name in _WIDE:
        op.drop_column("prints", name, schema="pdfcheck")
