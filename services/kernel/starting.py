"""Importing what a service needs, quickly.

What a process imports it keeps, yet a fifth of the time that a service took to start went into looking for what could
be thrown away. Set apart, it is not looked through later either.
"""

import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

#: Colours on consoles: the command line brings the library along, and the one for logging imports it wherever it is.
NOT_FOR_SERVICES = ("rich",)


@contextmanager
def importing(*, without: Sequence[str] = ()) -> Iterator[None]:
    """Everything that is made within is taken to stay. Who imports one of `without` hears that it is not installed."""
    gc.disable()
    sys.modules.update(dict.fromkeys(without))  # type: ignore[arg-type] # documented: None stands for that
    try:
        yield
    finally:
        for name in without:
            del sys.modules[name]
        gc.freeze()
        gc.enable()
