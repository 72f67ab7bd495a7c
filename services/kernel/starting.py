"""Importing what a service needs, quickly.

What a process imports it keeps, yet a fifth of the time that a service took to start went into looking for what could
be thrown away. Set apart, it is not looked through later either. And a library for colours on consoles, which the
command line brings along, is not there: the library for logging imports it wherever it is, for nothing here.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_LEFT_OUT = "rich"


@contextmanager
def importing() -> Iterator[None]:
    """Everything that is made within is taken to stay."""
    gc.disable()
    sys.modules[_LEFT_OUT] = None  # type: ignore[assignment] # documented: an import of it fails
    try:
        yield
    finally:
        del sys.modules[_LEFT_OUT]
        gc.freeze()
        gc.enable()
