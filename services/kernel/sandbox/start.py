"""Starts a zygote in which nothing runs by itself in a child after a fork: `python -m services.kernel.sandbox.start`.

`threading`, `logging` and `random` ask for that when they are imported, for the sake of locks that another thread may
hold. A zygote has one thread; what they do there copies two hundred pages of memory in each child, which is half of
what a fork takes.
"""

import gc
import os


def _not_wanted(**_hooks: object) -> None:
    pass


def main() -> None:
    """As `zygote.main`, with its arguments."""
    gc.disable()  # until it has imported what it needs
    os.register_at_fork = _not_wanted
    from services.kernel.sandbox import zygote

    zygote.main()


if __name__ == "__main__":
    main()
