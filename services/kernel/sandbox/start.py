"""Starts a zygote that is cheap to fork: `python -m services.kernel.sandbox.start FD NICE SHORT MODULE…`.

`threading`, `logging` and `random` ask for that when they are imported, for the sake of locks that another thread may
hold. A zygote has one thread; what they do there copies two hundred pages of memory in each child, which is half of
what a fork takes. One for short tasks does without libraries that others import in case they should need them.
"""

import gc
import os
import sys

#: Compression that is not a PDF's, and a second copy of what hashes; whoever imports them can do without.
_LEFT_OUT = ("bz2", "lzma", "_hashlib")


def _not_wanted(**_hooks: object) -> None:
    pass


def main() -> None:
    """As `zygote.main`, with its arguments."""
    gc.disable()  # until it has imported what it needs
    os.register_at_fork = _not_wanted
    if int(sys.argv[3]):
        sys.modules.update(dict.fromkeys(_LEFT_OUT))  # type: ignore[arg-type] # documented: an import of None fails
    from services.kernel.sandbox import zygote

    zygote.main()


if __name__ == "__main__":
    main()
