"""A caller in front of provider simulators, for fault tests: no pipeline around it, so what the call side does is seen alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from seawall.core.deadline import Deadline
from seawall.core.principal import Principal
from seawall.lab.behaviours import Step
from seawall.lab.provider import ProviderSimulator
from seawall.model_proxy.cache.memo import EmbeddingMemo
from seawall.model_proxy.call import Call, Piece, Surface, Target, Whole
from seawall.model_proxy.call import Caller as Who
from seawall.model_proxy.caller import Caller, Move
from seawall.model_proxy.config import Config
from seawall.model_proxy.config_load import parse
from seawall.model_proxy.http import Request
from seawall.model_proxy.upstream_exchange import Control
from seawall.telemetry.spans import span

Behaves = str | tuple[str, ...]
KEY = "sk-test-0123456789abcdef"


class Sink:
    """Keeps an answer; every piece counts as released."""

    def __init__(self) -> None:
        self.released = False
        self.control: Control | None = None
        self.pieces: list[Piece] = []
        self.answer: Whole | None = None

    def stream(self, piece: Piece) -> None:
        """Keep a piece."""
        self.released = True
        self.pieces.append(piece)

    def whole(self, answer: Whole) -> None:
        """Keep the answer."""
        self.released = True
        self.answer = answer

    @property
    def text(self) -> str:
        """What the model said."""
        if self.answer is not None:
            return str(self.answer.body["choices"][0]["message"]["content"])
        return "".join(piece.text for piece in self.pieces)


class Stand:
    """One or two simulators (`a`, `b`), each with a model of its own, and a caller."""

    def __init__(self, config: Config, caller: Caller, simulators: list[ProviderSimulator]) -> None:
        self.config = config
        self.caller = caller
        self.simulators = simulators

    async def ask(self, a: Behaves = "", b: Behaves | None = None, **given: Any) -> tuple[Call, Sink]:
        """Call model `a`, and `b` as its fallback where something is said of it: one behaviour for ever, or some in turn, then well."""
        made = self.made(**given)
        sink = Sink()
        await self.caller.call(made, self.targets(a, b), sink)
        return made, sink

    def targets(self, a: Behaves = "", b: Behaves | None = None) -> list[Target]:
        """The candidates, told how to behave."""
        named = {"a": a} | ({} if b is None else {"b": b})
        for simulator, behaves in zip(self.simulators, named.values(), strict=False):
            steps = [Step(behaves, times=0)] if isinstance(behaves, str) else [Step(one) for one in behaves]
            simulator.follow(steps)
        return [self.config.models[name].target for name in named]

    def made(
        self,
        *,
        stream: bool = False,
        seconds: float = 10.0,
        surface: Surface = "chat",
        body: Mapping[str, Any] | None = None,
        tenant: str = "t",
    ) -> Call:
        """A call that has been admitted, screened and routed."""
        with span("test", "model") as timed:
            call = Call(Request("POST", "/v1/x", "", {}, b"x" * 400), surface, Deadline.after(seconds), timed)
        usual: dict[str, Any] = {"model": "small", "messages": [{"role": "user", "content": "hello"}]}
        if surface == "embeddings":
            usual = {"model": "embed", "input": "hello"}
        call.body = usual | ({"stream": True} if stream else {}) | dict(body or {})
        call.model, call.stream = "small", stream
        call.caller = Who(Principal(user="u", tenant=tenant, roles=()), fingerprint=tenant)
        return call


@asynccontextmanager
async def stand(
    extra: str = "",
    *,
    provider: str = "",
    run: Path = Path("/nonexistent"),
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    memo: EmbeddingMemo | None = None,
    move: Move | None = None,
) -> AsyncIterator[Stand]:
    """Two simulators, and a caller with `extra` sections and `provider` settings of models.yaml."""
    simulators = [ProviderSimulator(), ProviderSimulator()]
    urls = [await simulator.listen() for simulator in simulators]
    providers = [
        f"  p{name}: {{kind: openai, url: '{url}', key: {{env: KEY}}, allow_private: true{provider}}}"
        for name, url in zip("ab", urls, strict=True)
    ]
    models = [f"  {name}: {{provider: p{name}, model: sim-{name}}}" for name in "ab"]
    text = "\n".join(["providers:", *providers, "models:", *models, extra, ""])
    config, faults = parse(text.encode(), "models.yaml")
    assert config is not None, faults
    caller = Caller(config, run=run, environment={"KEY": KEY}, sleep=sleep, memo=memo, move=move)
    try:
        yield Stand(config, caller, simulators)
    finally:
        caller.close()
        for simulator in simulators:
            await simulator.close()
