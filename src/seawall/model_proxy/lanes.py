"""The way to one provider and to one model of it: connections, places, retry budget, key, breaker. Made once from models.yaml."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.errors import ConfigurationError
from seawall.model_proxy.addresses import CheckedResolver, Lookup, look_up
from seawall.model_proxy.answering import Answering
from seawall.model_proxy.breaker import Breaker, Permit
from seawall.model_proxy.call import Target
from seawall.model_proxy.config import Config, Provider, Timeouts
from seawall.model_proxy.errors import ProviderRefusedKey
from seawall.model_proxy.fair_queue import FairQueue
from seawall.model_proxy.pace import Pace
from seawall.model_proxy.retry import RetryBudget
from seawall.model_proxy.upstream import Done, Origin, Pool
from seawall.telemetry.events import event

EMBEDDED_SOCKET = "model-engine-0.sock"


class Transport(Protocol):
    """Sends a request to a provider and hands its answer on."""

    async def exchange(self, path: str, body: bytes, receiver: Answering, timeouts: Timeouts, seconds: float) -> None:
        """Return at the end of the answer. ProviderFailed and its kin, or what the receiver raised."""

    def start(
        self, path: str, body: bytes, receiver: Answering, timeouts: Timeouts, seconds: float, done: Done
    ) -> Callable[[], None] | None:
        """The same without waiting, where that can be: `done` is told the end, unless it is cancelled by a call of what is returned.

        None: nothing was done; `exchange` it.
        """

    def close(self) -> None:
        """Let go of connections."""


class HttpTransport:
    """Any OpenAI-compatible endpoint, over one pool."""

    def __init__(self, pool: Pool, key: str, header: str = "authorization") -> None:
        self._pool = pool
        shown = f"Bearer {key}" if header == "authorization" else key
        self._headers = (
            (b"content-type", b"application/json"),
            (b"accept-encoding", b"identity"),
            (b"user-agent", b"seawall"),
            *([(header.encode("ascii"), shown.encode("ascii"))] if key else ()),
        )

    async def exchange(self, path: str, body: bytes, receiver: Answering, timeouts: Timeouts, seconds: float) -> None:
        """See Transport."""
        await self._pool.send(
            "POST",
            path,
            self._headers,
            body,
            receiver,
            first_byte_seconds=timeouts.first_byte,
            idle_seconds=timeouts.idle,
            total_seconds=min(timeouts.total, seconds),
        )

    def start(
        self, path: str, body: bytes, receiver: Answering, timeouts: Timeouts, seconds: float, done: Done
    ) -> Callable[[], None] | None:
        """See Transport."""
        started = self._pool.start(
            "POST",
            path,
            self._headers,
            body,
            receiver,
            done,
            first_byte_seconds=timeouts.first_byte,
            idle_seconds=timeouts.idle,
            total_seconds=timeouts.total if timeouts.total < seconds else seconds,
        )
        return started.cancel if started is not None else None

    def close(self) -> None:
        """See Transport."""
        self._pool.close()


class Unkeyed:
    """Stands where a provider's key is missing: others go on, its own calls are refused."""

    def __init__(self, provider: str, error: ConfigurationError) -> None:
        self._provider = provider
        self._fix = error.fix

    async def exchange(self, path: str, body: bytes, receiver: Answering, timeouts: Timeouts, seconds: float) -> None:
        """Always refuses."""
        raise ProviderRefusedKey(f"The provider {self._provider} has no key", fix=self._fix)

    def start(self, path: str, body: bytes, receiver: Answering, timeouts: Timeouts, seconds: float, done: Done) -> None:
        """See Transport."""

    def close(self) -> None:
        """Nothing to let go of."""


class Way:
    """To one provider, for all its models."""

    def __init__(self, provider: Provider, transport: Transport, config: Config, key: str, clock: Clock) -> None:
        self.provider = provider
        self.transport = transport
        self.key = key
        self.queue = FairQueue(provider.limits.connections, config.queue, clock)
        self.budget = RetryBudget(config.retries)
        limited = provider.limits.requests_per_minute or provider.limits.tokens_per_minute
        self.pace = Pace(provider.limits, clock.monotonic()) if limited else None


class Lane:
    """To one model. `rest_until`: it asked to be left alone until then (monotonic seconds)."""

    __slots__ = ("breaker", "rest_until", "slow_ns", "swaps", "target", "way")

    def __init__(self, way: Way, target: Target, config: Config, clock: Clock) -> None:
        self.way = way
        self.target = target
        self.breaker = Breaker(config.breaker, clock)
        self.rest_until = 0.0
        self.slow_ns = int(config.breaker.slow_after * 1e9)
        self.swaps: set[str] = set()
        """Other models that answered in its name, told once each."""

    def enter(self, now: float) -> Permit:
        """Whether it may be asked now."""
        pace = self.way.pace
        if self.rest_until > now or (pace is not None and not pace.ready(now)):
            return ""
        permit = self.breaker.enter()
        if permit and pace is not None:
            pace.take()
        return permit

    def seconds_full(self, now: float) -> float:
        """Until its provider takes calls again: it asked for a pause, or a limit of models.yaml is reached; 0: now."""
        pace = self.way.pace.seconds_left(now) if self.way.pace is not None else 0.0
        return max(0.0, self.rest_until - now, pace)


def lanes(
    config: Config,
    *,
    run: Path,
    environment: Mapping[str, str],
    clock: Clock = SYSTEM_CLOCK,
    lookup: Lookup = look_up,
    any_llm: Callable[[Provider, str], Transport] | None = None,
) -> dict[str, Lane]:
    """Model id → its lane. A key that is missing is told as an event."""
    ways: dict[str, Way] = {}
    for name, provider in config.providers.items():
        key, transport = "", None
        try:
            key = provider.key.read(environment) if provider.key else ""
        except ConfigurationError as error:
            event("provider.without_key", provider=name)
            transport = Unkeyed(name, error)
        ways[name] = Way(provider, transport or _transport(provider, key, run, lookup, any_llm), config, key, clock)
    return {name: Lane(ways[model.target.provider], model.target, config, clock) for name, model in config.models.items()}


def _transport(provider: Provider, key: str, run: Path, lookup: Lookup, any_llm: Callable[[Provider, str], Transport] | None) -> Transport:
    if provider.kind == "any-llm":
        if any_llm is None:
            from seawall.model_proxy.any_llm import AnyLlm

            return AnyLlm(provider, key)
        return any_llm(provider, key)
    pool = Pool(
        origin_of(provider, run),
        connections_max=provider.limits.connections,
        connect_seconds=provider.timeouts.connect,
        resolve=CheckedResolver(provider.id, allow_private=provider.allow_private, lookup=lookup),
    )
    return HttpTransport(pool, key, provider.key.header if provider.key else "authorization")


def origin_of(provider: Provider, run: Path) -> Origin:
    """Where a provider answers."""
    if provider.kind == "embedded":
        return Origin("unix", path=str(run / EMBEDDED_SOCKET), base="/v1")
    parts = urlsplit(provider.url)
    if parts.scheme == "unix":
        return Origin("unix", path=unquote(parts.path), base="/v1")
    secure = parts.scheme == "https"
    return Origin("https" if secure else "http", host=parts.hostname or "", port=parts.port or (443 if secure else 80), base=parts.path)
