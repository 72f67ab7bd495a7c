"""Sessions and files, with the tables of work."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from services.kernel.db.rls import enable_row_level_security
from services.kernel.events.tables import create_event_tables, drop_event_tables
from services.kernel.jobs.tables import create_jobs, drop_jobs

revision = "upload_0001"
down_revision = None
branch_labels = None
depends_on = None


def _place() -> list[sa.Column[str]]:
    names = ("dossier_id", "organisation_path", "material_id", "item_id", "component_id")
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "uploads",
        sa.Column("upload_id", sa.Text, primary_key=True),
        sa.Column("file_id", sa.Text, nullable=False, unique=True),
        *_place(),
        sa.Column("file_name", sa.LargeBinary, nullable=False),
        sa.Column("file_name_lookup", sa.LargeBinary, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("declared_sha256", sa.Text, nullable=False),
        sa.Column("object_key", sa.Text, nullable=False),
        sa.Column("store_upload_id", sa.Text, nullable=False),
        sa.Column("part_size_bytes", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expected_parts", pg.JSONB, nullable=False),
        schema="upload",
    )
    op.create_index("uploads_dossier", "uploads", ["dossier_id", "material_id", "state"], schema="upload")
    op.create_table(
        "files",
        sa.Column("file_id", sa.Text, primary_key=True),
        *_place(),
        sa.Column("file_name", sa.LargeBinary, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("declared_sha256", sa.Text, nullable=False),
        sa.Column("object_key", sa.Text, nullable=False),
        sa.Column("etag", sa.Text, nullable=False),
        sa.Column("area", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("rejection_code", sa.Text, nullable=False),
        schema="upload",
    )
    op.create_index("files_dossier", "files", ["dossier_id"], schema="upload")
    for table in ("uploads", "files"):
        enable_row_level_security("upload", table)
    create_event_tables("upload")
    create_jobs("upload")


def downgrade() -> None:
    """Remove them."""
    drop_jobs("upload")
    drop_event_tables("upload")
    for table in ("files", "uploads"):
        op.drop_table(table, schema="upload")
