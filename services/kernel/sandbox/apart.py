"""Two sandboxes as one: what is short and asked for often gets a zygote that holds little else.

Forking costs by the memory that the zygote has touched: one that has numpy and a renderer in it takes twice as long for
a child that needs neither.
"""

from collections.abc import Sequence
from pathlib import Path

from services.kernel.sandbox.port import ByteSource, JsonObject, Outcome, Profile, Progress, Sandbox


class Apart:
    """Functions of some modules go to one sandbox, all others to the other."""

    def __init__(self, modules: Sequence[str], short: Sandbox, other: Sandbox) -> None:
        """`short` takes functions of `modules`. Both are closed with this one."""
        self._modules = frozenset(modules)
        self._short = short
        self._other = other

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
        chosen = self._short if function.partition(":")[0] in self._modules else self._other
        return await chosen.run(
            function, arguments, profile=profile, sources=sources, scratch=scratch, progress=progress
        )

    async def close(self) -> None:
        """See the port."""
        await self._short.close()
        await self._other.close()
