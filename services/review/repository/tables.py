"""The tables as queries name them; the migration makes them."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

metadata = sa.MetaData()
_MOMENT = sa.DateTime(timezone=True)


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text) for name in names]


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger) for name in names]


organisations = sa.Table(
    "organisations",
    metadata,
    sa.Column("organisation_id", sa.Text, primary_key=True),
    *_texts("path", "name", "level", "kind"),
)
persons = sa.Table(
    "persons",
    metadata,
    sa.Column("person_id", sa.Text, primary_key=True),
    *_texts("name"),
    sa.Column("id_number", sa.LargeBinary),
    sa.Column("id_number_lookup", sa.LargeBinary),
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
    sa.Column("route", pg.JSONB),
    sa.Column("reached", pg.JSONB),
    sa.Column("profile", sa.LargeBinary),
    sa.Column("updated_at", _MOMENT),
    sa.Column("submitted_at", _MOMENT),
)
materials = sa.Table(
    "materials",
    metadata,
    sa.Column("material_id", sa.Text, primary_key=True),
    *_texts("dossier_id", "organisation_path", "item_id", "status"),
    *_texts("announced_recipe", "requested_recipe", "requested_disc"),
    *_numbers("ordinal", "version"),
    sa.Column("required", sa.Boolean),
    sa.Column("merged", pg.JSONB(none_as_null=True)),
    sa.Column("disc", pg.JSONB(none_as_null=True)),
)
files = sa.Table(
    "files",
    metadata,
    sa.Column("file_id", sa.Text, primary_key=True),
    *_texts("dossier_id", "organisation_path", "material_id", "component_id", "media_type", "sha256", "state"),
    *_texts("rejection_code"),
    *_numbers("position", "size_bytes", "submitted", "named_version"),
    sa.Column("replaced", sa.Boolean),
    sa.Column("file_name", sa.LargeBinary),
    sa.Column("report", sa.LargeBinary),
)
early_reports = sa.Table(
    "early_reports",
    metadata,
    sa.Column("file_id", sa.Text, primary_key=True),
    *_texts("dossier_id", "organisation_path", "stage"),
    sa.Column("report", sa.LargeBinary),
    sa.Column("arrived_at", _MOMENT),
)
confirmations = sa.Table(
    "confirmations",
    metadata,
    sa.Column("material_id", sa.Text, primary_key=True),
    sa.Column("level", sa.Text, primary_key=True),
    *_texts("dossier_id", "organisation_path", "manifest_sha256", "catalogue_version", "confirmed_by"),
    sa.Column("compared_with_original", sa.Boolean),
    sa.Column("legible", sa.Boolean),
    sa.Column("authentic", sa.Boolean),
    sa.Column("confirmed_at", _MOMENT),
)
decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("decision_id", sa.Text, primary_key=True),
    *_texts("dossier_id", "organisation_path", "level", "decision", "by"),
    *_numbers("submission"),
    sa.Column("at", _MOMENT),
    sa.Column("words", sa.LargeBinary),
    sa.Column("manifests", pg.JSONB),
)
draft_defects = sa.Table(
    "draft_defects",
    metadata,
    sa.Column("material_id", sa.Text, primary_key=True),
    sa.Column("level", sa.Text, primary_key=True),
    *_texts("dossier_id", "organisation_path", "by"),
    sa.Column("reason", sa.LargeBinary),
    sa.Column("at", _MOMENT),
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
)
