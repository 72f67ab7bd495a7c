"""The object store in a local directory."""

from services.kernel.storage.localdir.adapter import LocalDir

__all__ = ["LocalDir"]
