"""What `models.yaml` says: providers, models, routes, and how each stage of the proxy is set. Frozen; read once, passed down.

`config_load.load` makes a `Config` or tells every fault of the file. A provider's key is never here, only where it is kept, so that
neither a repr nor a log can show it. Times are seconds, money is nano-dollars (1e-9 USD), prices are nano-dollars a token.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from seawall.core.errors import ConfigurationError
from seawall.model_proxy.call import DataClass, Limits, Target
from seawall.model_proxy.screen.settings import Screening

ProviderKind = Literal["embedded", "openai", "any-llm"]
ModelKind = Literal["chat", "embedding"]
Period = Literal["hour", "day", "week", "month"]
LOCAL_REGION = "local"
"""Where the embedded models are: no residency rule forbids it, for nothing leaves the machine."""
KEY_BYTES_MAX = 16 << 10


class KeyReference(msgspec.Struct, frozen=True):
    """Where a provider's key is kept: an environment variable or a file. One of the two."""

    env: str = ""
    file: str = ""
    header: str = "authorization"
    """Where it goes: `authorization` as `Bearer KEY`, another header (`api-key`, `x-api-key`) as it is."""

    def read(self, environment: Mapping[str, str]) -> str:
        """The key. ConfigurationError when there is none."""
        if self.env:
            key = environment.get(self.env, "").strip()
            where, fix = f"the environment variable {self.env}", f"Set {self.env}"
        else:
            where, fix = f"the file {self.file}", "Write the key into that file, readable for the model proxy's user"
            key = _first_line(Path(self.file))
        if not key or not key.isascii() or not key.isprintable():
            raise ConfigurationError(f"A provider's key is not in {where}", expected="one line of visible ASCII", fix=fix)
        return key


def _first_line(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(KEY_BYTES_MAX).decode("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""


class ProviderLimits(msgspec.Struct, frozen=True):
    """What a provider takes from us; 0: no limit of this kind."""

    connections: int = 64
    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    answer_mb: int = 8
    """A whole chat completion, in MiB."""
    embeddings_mb: int = 32
    stream_mb: int = 32
    """All of a stream, in MiB: a token takes about 250 bytes."""


class Timeouts(msgspec.Struct, frozen=True):
    """Seconds. The call's own deadline stands above all of them."""

    connect: float = 2.0
    first_byte: float = 20.0
    idle: float = 10.0
    """Between two pieces of a stream."""
    total: float = 300.0


class Provider(msgspec.Struct, frozen=True):
    """Somebody who runs models."""

    id: str
    kind: ProviderKind
    url: str = ""
    """`https://host/v1`, `http://…` or `unix:///path` (these two only with `allow_private`); empty for `embedded`."""
    key: KeyReference | None = None
    region: str = ""
    classes: tuple[DataClass, ...] = ("public", "internal")
    """The data it may see."""
    allow_private: bool = False
    """Its address may be inside our own network."""
    remote_images: bool = False
    """It may be asked to fetch images, audio and files from addresses that callers name. Only of `openai`."""
    provider: str = ""
    """The name any-llm knows it by."""
    limits: ProviderLimits = ProviderLimits()
    timeouts: Timeouts = Timeouts()


class Model(msgspec.Struct, frozen=True):
    """A model at a provider, under the name we know it by."""

    target: Target
    kind: ModelKind = "chat"
    dimensions: int = 0
    """Of an embedding; 0: not said."""
    limits: Limits = Limits()
    """What may be asked of it by everybody together."""

    @property
    def id(self) -> str:
        """Our name."""
        return self.target.id


class Route(msgspec.Struct, frozen=True):
    """A name clients ask for: weighted models, and whom to ask when those fail."""

    id: str
    variants: dict[str, int]
    """Model id → weight. At least one weight is above 0."""
    fallback: tuple[str, ...] = ()
    """Model ids, tried in this order after the variant."""
    regions: tuple[str, ...] = ()
    """Where the provider must be; empty: anywhere."""


class Budget(msgspec.Struct, frozen=True):
    """Money for a period."""

    nanodollars: int = 100_000_000_000
    period: Period = "month"


class CacheSettings(msgspec.Struct, frozen=True):
    """The exact cache. `ttl` 0: off."""

    ttl: float = 3600.0
    max_mb: int = 64


class Kept(msgspec.Struct, frozen=True):
    """How long and how much of what evaluations recorded is kept."""

    keep: float = 90 * 86_400.0
    max_gb: float = 1.0


class Recording(msgspec.Struct, frozen=True):
    """How long and how much of the exchanges is kept. `keep` 0: none."""

    keep: float = 30 * 86_400.0
    max_gb: float = 2.0
    cassettes: Kept = Kept()


class Queueing(msgspec.Struct, frozen=True):
    """Waiting for a busy provider."""

    waiting: int = 256
    """Calls."""
    seconds: float = 5.0


class Retries(msgspec.Struct, frozen=True):
    """Trying again, only before the first byte is released."""

    attempts: int = 3
    """At one model; beside them every other candidate is asked once."""
    share: float = 0.1
    """Of calls, how many may be tries again in the long run."""
    burst: int = 10
    """How many at once beyond that."""
    wait: float = 10.0
    """Seconds, the longest `Retry-After` that is waited for."""


class Breaking(msgspec.Struct, frozen=True):
    """When a provider's model is left alone."""

    window: float = 20.0
    failures: float = 0.5
    """Share of calls in the window."""
    slow: float = 0.8
    slow_after: float = 15.0
    """Seconds to the first byte."""
    least: int = 10
    """Calls in the window before it may open."""
    open: float = 5.0
    """Seconds until the first probe."""
    probes: int = 2
    """At once."""


class Config(msgspec.Struct, frozen=True):
    """The whole of models.yaml."""

    providers: dict[str, Provider]
    models: dict[str, Model]
    routes: dict[str, Route]
    user: Limits = Limits(600, 400_000, 16)
    tenant: Limits = Limits(6_000, 4_000_000, 200)
    budget: Budget = Budget()
    screen: Screening = Screening()
    cache: CacheSettings = CacheSettings()
    record: Recording = Recording()
    queue: Queueing = Queueing()
    retries: Retries = Retries()
    breaker: Breaking = Breaking()
    residency: dict[str, tuple[str, ...]] = {}
    """Tenant → regions its data may go to; a tenant that is not named: anywhere."""
