"""How an answer is brought: asked of providers, looked at to its end, asked for again where it breaks its contract (`leading.Ways`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from seawall.model_proxy.answer import Source
from seawall.model_proxy.call import Call
from seawall.model_proxy.contract.again import Again
from seawall.model_proxy.contract.filter import ContractFilter
from seawall.model_proxy.errors import ContractBroken
from seawall.model_proxy.stages import Filter, Stages


class Bringing:
    """Brings answers through the stages that come after the cache."""

    def __init__(self, stages: Stages) -> None:
        self._stages = stages

    def filters(self, call: Call) -> Sequence[Filter]:
        """What the answer passes on its way, in order."""
        screen = self._stages.screen
        output = screen.output(call) if screen is not None else None
        contract = call.contract
        held = (ContractFilter(contract, call),) if contract is not None else ()
        return (*held, output) if output is not None else held

    def begin(self, call: Call, source: Source, done: Callable[[Exception | None], None]) -> Callable[[], object] | None:
        """Ask a provider without waiting. None: it cannot be, `bring` it."""
        start = self._stages.start
        return start(call, self._stages.route.candidates(call), source, done) if start is not None else None

    async def bring(self, call: Call, source: Source) -> None:
        """Ask providers until the answer is there."""
        try:
            await self._stages.caller.call(call, self._stages.route.candidates(call), source)
            await source.look()
            source.finish()
        except ContractBroken as error:
            if source.contract is None:
                raise
            await self.mend(call, source, error)

    async def look(self, call: Call, source: Source) -> None:
        """See a long answer to its end."""
        try:
            await source.look()
            source.finish()
        except ContractBroken as error:
            await self.mend(call, source, error)

    async def mend(self, call: Call, source: Source, error: ContractBroken) -> None:
        """Ask again for an answer that broke its contract."""
        if source.contract is None:
            raise error
        again = Again(call, self._stages.route, self._stages.caller)
        source.mended(await source.contract.mend(error, again))
