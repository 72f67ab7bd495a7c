"""An S3 server as object store. Everything else imports `S3Store` from here."""

from services.kernel.storage.s3.adapter import S3Store

__all__ = ["S3Store"]
