"""Backup and restore of database and objects at one consistent point; see docs/adr/0013-backup.md."""
