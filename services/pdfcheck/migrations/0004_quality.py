"""What was seen on pages, and the perceptual hashes by which the same page is found again."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from services.kernel.db.rls import enable_row_level_security

revision = "pdfcheck_0004"
down_revision = "pdfcheck_0003"
branch_labels = None
depends_on = None
#: Two hashes that differ in at most six of 64 bits have one of seven pieces in common.
_PIECES = tuple(f"piece_{number}" for number in range(7))


def upgrade() -> None:
    """Make the tables. Bodies hold what was read on first pages and are sealed; repeats and hashes are numbers."""
    op.create_table(
        "qualities",
        sa.Column("file_id", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("dossier_id", "organisation_path", "quality_id")),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("repeats", pg.JSONB, nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        schema="pdfcheck",
    )
    op.create_table(
        "prints",
        sa.Column("file_id", sa.Text, primary_key=True),
        sa.Column("page", sa.Integer, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("dossier_id", "organisation_path")),
        sa.Column("print", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.SmallInteger, nullable=False) for name in _PIECES),
        schema="pdfcheck",
    )
    for name in ("dossier_id", *_PIECES):
        op.create_index(f"prints_{name}", "prints", [name], schema="pdfcheck")
    for table in ("qualities", "prints"):
        enable_row_level_security("pdfcheck", table)


def downgrade() -> None:
    """Remove them."""
    for table in ("prints", "qualities"):
        op.drop_table(table, schema="pdfcheck")
