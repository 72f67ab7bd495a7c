"""Organisations, persons, dossiers, sign-off, audit chain and change feed, with the tables of work."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql as pg

from services.kernel.db.rls import enable_row_level_security
from services.kernel.events.tables import create_event_tables, drop_event_tables
from services.kernel.jobs.tables import create_jobs, drop_jobs

revision = "review_0001"
down_revision = None
branch_labels = None
depends_on = None

_SECURED = ("dossiers", "materials", "files", "confirmations", "decisions", "audit", "audit_heads", "changes")
_ALL = ("changes", "audit_heads", "audit", "decisions", "confirmations", "files", "materials", "dossiers", "offices",
        "persons", "organisations")  # fmt: skip


def _text(name: str, *, key: bool = False, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=key, nullable=False, server_default=default)


def _owner() -> list[sa.Column[str]]:
    return [_text("dossier_id"), _text("organisation_path")]


def _moment(name: str, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _table(name: str, *columns: sa.Column[Any]) -> None:
    op.create_table(name, *columns, schema="review")


def upgrade() -> None:
    """Make the tables."""
    _table(
        "organisations", _text("organisation_id", key=True), _text("path"), _text("name"), _text("level"), _text("kind")
    )
    op.create_index("organisations_path", "organisations", ["path"], unique=True, schema="review")
    _table(
        "persons",
        _text("person_id", key=True),
        _text("name"),
        sa.Column("id_number", sa.LargeBinary, nullable=True),
        sa.Column("id_number_lookup", sa.LargeBinary, nullable=True),
    )
    op.create_index("persons_id_number", "persons", ["id_number_lookup"], schema="review")
    _table("offices", _text("account_id", key=True), _text("role", key=True), _text("organisation_id", key=True))
    _table(
        "dossiers",
        _text("dossier_id", key=True),
        _text("organisation_path"),
        _text("applicant_id"),
        _text("organisation_id"),
        _number("cycle"),
        _text("catalogue_version"),
        _text("state"),
        _text("level"),
        sa.Column("route", pg.JSONB, nullable=False),
        sa.Column("reached", pg.JSONB, nullable=False),
        _number("submission"),
        _number("version"),
        _number("event_number"),
        _text("status"),
        sa.Column("profile", sa.LargeBinary, nullable=False),
        _moment("updated_at"),
        _moment("submitted_at", nullable=True),
    )
    op.create_index("dossiers_applicant", "dossiers", ["applicant_id", "cycle"], unique=True, schema="review")
    op.create_index("dossiers_path", "dossiers", ["organisation_path", "level"], schema="review")
    _table(
        "materials",
        _text("material_id", key=True),
        *_owner(),
        _text("item_id"),
        _number("ordinal"),
        sa.Column("required", sa.Boolean, nullable=False),
        _number("version"),
        _text("status"),
        sa.Column("merged", pg.JSONB, nullable=True),
        sa.Column("disc", pg.JSONB, nullable=True),
        _text("announced_recipe"),
        _text("requested_recipe"),
        _text("requested_disc"),
    )
    _table(
        "files",
        _text("file_id", key=True),
        *_owner(),
        _text("material_id"),
        _text("component_id"),
        _number("position"),
        sa.Column("file_name", sa.LargeBinary, nullable=False),
        _number("size_bytes"),
        _text("media_type"),
        _text("sha256"),
        _text("state"),
        _text("rejection_code"),
        sa.Column("report", sa.LargeBinary, nullable=True),
    )
    _table(
        "confirmations",
        _text("material_id", key=True),
        _text("level", key=True),
        *_owner(),
        sa.Column("compared_with_original", sa.Boolean, nullable=False),
        sa.Column("legible", sa.Boolean, nullable=False),
        sa.Column("authentic", sa.Boolean, nullable=False),
        _text("manifest_sha256"),
        _text("catalogue_version"),
        _text("confirmed_by"),
        _moment("confirmed_at"),
    )
    _table(
        "decisions",
        _text("decision_id", key=True),
        *_owner(),
        _number("submission"),
        _text("level"),
        _text("decision"),
        _text("by"),
        _moment("at"),
        sa.Column("words", sa.LargeBinary, nullable=False),
        sa.Column("manifests", pg.JSONB, nullable=False),
    )
    _table(
        "audit",
        _text("dossier_id", key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True),
        _text("organisation_path"),
        _text("body"),
        _text("mac"),
    )
    _table(
        "audit_heads",
        _text("dossier_id", key=True),
        _text("organisation_path"),
        _number("length"),
        _text("mac"),
        _text("seal"),
    )
    op.create_table(
        "changes",
        sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        *_owner(),
        _text("material_id"),
        _text("kind"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        schema="review",
    )
    for table in ("materials", "files", "confirmations", "decisions", "changes"):
        op.create_index(f"{table}_dossier", table, ["dossier_id"], schema="review")
    for table in _SECURED:
        enable_row_level_security("review", table)
    create_event_tables("review")
    create_jobs("review")


def downgrade() -> None:
    """Remove them."""
    drop_jobs("review")
    drop_event_tables("review")
    for table in _ALL:
        op.drop_table(table, schema="review")
