"""Which limit the sandbox stopped a task at, as a fact about the file."""

from services.kernel.sandbox.port import (
    Profile,
    SandboxBudget,
    SandboxCrashed,
    SandboxError,
    SandboxMemory,
    SandboxTimeout,
)
from services.pdfcheck.domain.excess import Excess, Limit


def excess_of(error: SandboxError, profile: Profile) -> Excess:
    """Of one of `LIMITS_HIT`. A child that is killed for want of memory may not be able to say so: it crashed."""
    match error:
        case SandboxTimeout():
            return Excess(limit=Limit.TIME, allowed=profile.cpu_s)
        case SandboxMemory():
            return Excess(limit=Limit.MEMORY, allowed=profile.memory_bytes)
        case SandboxBudget():
            return Excess(limit=Limit.BYTES, allowed=max(profile.read_budget_bytes, profile.output_bytes))
        case SandboxCrashed():
            return Excess(limit=Limit.CRASH)
        case _:
            raise TypeError(f"{type(error).__name__} is no limit that a file hits")
