"""Rows of the review service: tables, one transaction (`unit`), and what belongs to no dossier (`work`)."""
