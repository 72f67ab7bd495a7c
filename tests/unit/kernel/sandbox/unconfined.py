"""Preloaded, it takes from the zygote what puts the layers on."""

from collections.abc import Sequence

from services.kernel.sandbox import confine


def prepare() -> None:
    """For every child."""

    def refuse(made: confine.Confinement, scratch: str | None, handles: Sequence[int] = ()) -> None:
        raise PermissionError("this machine refuses")

    confine.confine = refuse
