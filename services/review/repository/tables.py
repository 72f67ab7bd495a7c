"""The tables as queries name them; the migration makes them."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

metadata = sa.MetaData()
_MOMENT = sa.DateTime(timezone=True)


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


organisations = sa.Table(
    "organisations",
    metadata,
    sa.Column("organisation_id", sa.Text, primary_key=True),
    *_texts("path", "name", "level", "kind"),
    sa.Index("organisations_path", "path", unique=True),
)
persons = sa.Table(
    "persons",
    metadata,
    sa.Column("person_id", sa.Text, primary_key=True),
    *_texts("name"),
    sa.Column("id_number", sa.LargeBinary),
    sa.Column("id_number_lookup", sa.LargeBinary),
    sa.Index("persons_id_number", "id_number_lookup"),
)
offices = sa.Table(
    "offices",
    metadata,
    sa.Column("account_id", sa.Text, primary_key=True),
    sa.Column("role", sa.Text, primary_key=True),
    sa.Column("organisation_id", sa.Text, primary_key=True),
)
dossiers = sa.Table(
    "dossiers",
    metadata,
    sa.Column("dossier_id", sa.Text, primary_key=True),
    *_texts("organisation_path", "applicant_id", "organisation_id", "catalogue_version", "state", "level", "status"),
    *_numbers("cycle", "submission", "version", "event_number"),
    sa.Column("route", pg.JSONB, nullable=False),
    sa.Column("reached", pg.JSONB, nullable=False),
    sa.Column("profile", sa.LargeBinary, nullable=False),
    sa.Column("updated_at", _MOMENT, nullable=False),
    sa.Column("submitted_at", _MOMENT),
    sa.Index("dossiers_applicant", "applicant_id", "cycle", unique=True),
    sa.Index("dossiers_path", "organisation_path", "level"),
)
materials = sa.Table(
    "materials",
    metadata,
    sa.Column("material_id", sa.Text, primary_key=True),
    *_texts("dossier_id", "organisation_path", "item_id", "status"),
    *_texts("announced_recipe", "requested_recipe", "requested_disc"),
    *_numbers("ordinal", "version"),
    sa.Column("required", sa.Boolean, nullable=False),
    sa.Column("merged", pg.JSONB(none_as_null=True)),
    sa.Column("disc", pg.JSONB(none_as_null=True)),
    sa.Column("arrangement", pg.JSONB(none_as_null=True)),
    sa.Index("materials_dossier", "dossier_id"),
)
files = sa.Table(
    "files",
    metadata,
    sa.Column("file_id", sa.Text, primary_key=True),
    *_texts("dossier_id", "organisation_path", "material_id", "component_id", "media_type", "sha256", "state"),
    *_texts("rejection_code"),
    *_numbers("position", "size_bytes"),
    sa.Column("submitted", sa.Integer, nullable=False, server_default="0"),
    sa.Column("named_version", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("replaced", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("file_name", sa.LargeBinary, nullable=False),
    sa.Column("report", sa.LargeBinary),
    sa.Column("opening", sa.LargeBinary),
    sa.Column("seen", sa.LargeBinary),
    sa.Index("files_dossier", "dossier_id"),
)
early_reports = sa.Table(
    "early_reports",
    metadata,
    sa.Column("file_id", sa.Text, primary_key=True),
    *_texts("dossier_id", "organisation_path", "stage"),
    sa.Column("report", sa.LargeBinary, nullable=False),
    sa.Column("arrived_at", _MOMENT, nullable=False),
    sa.Index("early_reports_arrived_at", "arrived_at"),
)
confirmations = sa.Table(
    "confirmations",
    metadata,
    sa.Column("material_id", sa.Text, primary_key=True),
    sa.Column("level", sa.Text, primary_key=True),
    *_texts("dossier_id", "organisation_path", "manifest_sha256", "catalogue_version", "confirmed_by"),
    sa.Column("compared_with_original", sa.Boolean, nullable=False),
    sa.Column("legible", sa.Boolean, nullable=False),
    sa.Column("authentic", sa.Boolean, nullable=False),
    sa.Column("confirmed_at", _MOMENT, nullable=False),
    sa.Index("confirmations_dossier", "dossier_id"),
)
decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("decision_id", sa.Text, primary_key=True),
    *_texts("dossier_id", "organisation_path", "level", "decision", "by"),
    *_numbers("submission"),
    sa.Column("at", _MOMENT, nullable=False),
    sa.Column("words", sa.LargeBinary, nullable=False),
    sa.Column("manifests", pg.JSONB, nullable=False),
    sa.Index("decisions_dossier", "dossier_id"),
)
draft_defects = sa.Table(
    "draft_defects",
    metadata,
    sa.Column("material_id", sa.Text, primary_key=True),
    sa.Column("level", sa.Text, primary_key=True),
    *_texts("dossier_id", "organisation_path", "by"),
    sa.Column("reason", sa.LargeBinary, nullable=False),
    sa.Column("at", _MOMENT, nullable=False),
    sa.Index("draft_defects_dossier", "dossier_id"),
)
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("dossier_id", sa.Text, primary_key=True),
    sa.Column("sequence", sa.BigInteger, primary_key=True),
    *_texts("organisation_path", "body", "mac"),
)
audit_heads = sa.Table(
    "audit_heads",
    metadata,
    sa.Column("dossier_id", sa.Text, primary_key=True),
    *_texts("organisation_path", "mac", "seal"),
    *_numbers("length"),
)
changes = sa.Table(
    "changes",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    *_texts("dossier_id", "organisation_path", "material_id", "kind"),
    sa.Column("at", _MOMENT, nullable=False, server_default=sa.func.now()),
    sa.Index("changes_dossier", "dossier_id"),
)
