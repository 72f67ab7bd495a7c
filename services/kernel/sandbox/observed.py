"""Any sandbox, with its runs measured and in the trace."""

from collections.abc import Sequence
from pathlib import Path

from services.kernel import metrics, tracing
from services.kernel.sandbox.port import (
    ByteSource,
    JsonObject,
    Outcome,
    Profile,
    Progress,
    Sandbox,
    SandboxError,
)
from services.kernel.tracing import Attribute


class ObservedSandbox:
    """Hands every run on to `inner`. Of a run is told what code was called and which limit ended it."""

    def __init__(self, inner: Sandbox) -> None:
        """`inner` keeps every promise; nothing is changed."""
        self._inner = inner

    async def run(
        self,
        function: str,
        arguments: JsonObject,
        *,
        profile: Profile,
        sources: Sequence[ByteSource] = (),
        scratch: Path | None = None,
        progress: Progress | None = None,
    ) -> Outcome:
        """See the port."""
        named = {Attribute.SANDBOX_PROFILE: profile.name, Attribute.SANDBOX_FUNCTION: function}
        with metrics.timed(metrics.SANDBOX_DURATION, profile.name, outcome="ok") as watch:
            try:
                with tracing.span(f"sandbox {profile.name}", attributes=named):
                    return await self._inner.run(
                        function, arguments, profile=profile, sources=sources, scratch=scratch, progress=progress
                    )
            except SandboxError as error:
                watch.outcome = type(error).__name__
                raise
            except BaseException:
                watch.outcome = "failed"
                raise

    async def close(self) -> None:
        """See the port."""
        await self._inner.close()
