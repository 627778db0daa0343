"""The nouns that every stage of the pipeline shares: who asks, what is asked, what comes back.

A `Call` is one request's journey and the only mutable thing: each stage writes the fields named for it and reads those of the stages
before. Everything else is a frozen value. Text is what a model reads or writes; a *piece* is one event of a streamed answer.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from seawall.core.deadline import Deadline
from seawall.core.principal import Principal
from seawall.model_proxy.http import Request
from seawall.telemetry.spans import Span

Surface = Literal["chat", "embeddings", "prompt"]
Tier = Literal["small", "large"]
DataClass = Literal["public", "internal", "confidential", "restricted"]
DATA_CLASSES: tuple[DataClass, ...] = ("public", "internal", "confidential", "restricted")
"""From the least to the most sensitive."""
Served = Literal["model", "cache", "coalesced", "replay"]


TOKENS_MAX = 1 << 31
"""A provider that counts more in one answer counts wrong; money is kept in 64 bits."""


class Usage(msgspec.Struct, frozen=True):
    """Tokens of one answer, as the provider counted them; `estimated` when it did not say."""

    input: int = 0
    output: int = 0
    cached: int = 0
    """Of `input`, how many the provider had in its own cache."""
    estimated: bool = False


NO_USAGE = Usage()


class Limits(msgspec.Struct, frozen=True):
    """What somebody may use; 0: no limit of this kind."""

    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    streams: int = 0
    """Answers in progress at once."""


class Caller(msgspec.Struct, frozen=True):
    """Who asks: a person's or service's token, or a machine key."""

    principal: Principal
    fingerprint: str
    """Equal fingerprints may share a cached answer; another tenant's never is equal."""
    key_id: str = ""
    """The machine key, where one was used."""
    limits: Limits = Limits()
    """The key's own; a user's and tenant's come from the configuration."""
    budget: str = ""
    """The ledger account that pays."""

    @property
    def tenant(self) -> str:
        """Who is billed."""
        return self.principal.tenant

    @property
    def user(self) -> str:
        """Whose limits count."""
        return self.principal.user


class Target(msgspec.Struct, frozen=True):
    """A model at a provider. Prices are nano-dollars (1e-9 USD) a token."""

    id: str
    """The name in models.yaml."""
    provider: str
    model: str
    """What the provider calls it."""
    tier: Tier = "small"
    input_price: int = 0
    output_price: int = 0
    context: int = 8192
    """Tokens."""

    def cost(self, usage: Usage) -> int:
        """Nano-dollars."""
        return usage.input * self.input_price + usage.output * self.output_price


class Attempt(msgspec.Struct, frozen=True):
    """One try at one provider, for the record."""

    target: str
    status: int
    """0: no HTTP answer came."""
    error: str
    milliseconds: float


class Piece(msgspec.Struct, frozen=True):
    """One event of a streamed chat completion."""

    data: bytes
    """The event's JSON, as it goes on the wire after `data: `."""
    text: str = ""
    """What it adds to the message's content."""
    arguments: str = ""
    """What it adds to tool calls' arguments."""
    finish: str = ""
    """The finish reason, on the piece that has one."""
    usage: Usage | None = None
    bare: bool = True
    """It holds text alone (no role, tool call, finish reason or usage), so a filter may hold it back and merge it with the next."""


class Whole(msgspec.Struct, frozen=True):
    """A whole answer: a chat completion or a list of embeddings."""

    body: dict[str, Any]
    """The decoded JSON. Never changed in place: a filter makes another."""
    usage: Usage = Usage()
    status: int = 200
    size: int = 0
    """Bytes, as the provider sent it; 0: not known."""


class Call:
    """One request on its way. The stage that writes each field is named beside it."""

    __slots__ = (
        "action", "answered_by", "app", "attempts", "body", "cache_key", "caller", "chunks", "clean", "contract", "contract_rounds",
        "cost", "data_class", "deadline", "error", "findings", "finish", "first_ns", "id", "keep", "kept_of", "lane", "leader", "masks",
        "model", "prompt", "quiet", "remote", "request", "reservation", "route", "sent", "sent_ns", "served", "snapshot", "span",
        "started_ns", "stream", "surface", "target", "texts", "untrusted", "usage", "usage_asked", "variant", "version",
    )  # fmt: skip

    # edge
    id: str
    request: Request
    surface: Surface
    deadline: Deadline
    span: Span
    started_ns: int
    """Monotonic, as are all moments of a call."""
    lane: str
    """`eval` for evaluations (temperature 0, a seed, snapshots)."""
    body: dict[str, Any]
    """The decoded request; what is sent on is encoded from it, so what was screened is what is sent."""
    model: str
    """The name asked for: a route (`small`) or a model."""
    remote: tuple[str, ...]
    """Addresses in it that a provider would fetch (`media.remote_addresses`)."""
    stream: bool
    usage_asked: bool
    """The client asked for usage in the stream (`stream_options.include_usage`)."""
    app: str
    prompt: str
    version: str
    """The prompt's digest."""
    variant: str
    # admit
    caller: Caller | None
    reservation: Any
    # screen
    texts: tuple[str, ...]
    untrusted: tuple[str, ...]
    """Of `texts`, those for the classifier: what people and documents wrote."""
    data_class: DataClass
    clean: bool
    """Personal data and secrets were looked for in every text of `body`, and there were none."""
    findings: tuple[str, ...]
    """Rules that matched, by id; never the text."""
    masks: Mapping[str, str]
    """Placeholder → what it stands for, put back into the answer."""
    keep: bool
    """Its answer may be kept and shared; a prompt may say no."""
    quiet: str
    """A text of the answer that was looked at: it holds nothing personal or secret."""
    # exact cache
    cache_key: bytes | None
    """None: not to be cached."""
    served: Served
    kept_of: str
    """The model (`Target.id`) whose kept answer this is; a cassette's answer as well."""
    leader: Call | None
    """Whose flight this call shares."""
    # route, call
    route: str
    target: Target | None
    attempts: list[Attempt]
    sent: bytes
    """`body` as it went to a provider in the first attempt, where that was all that was done to it but for the model's name."""
    sent_ns: int
    """When the attempt that is under way, or the one that answered, was sent; 0: there is none."""
    first_ns: int
    """When the first piece or the whole answer came."""
    # contract
    contract: Any
    """What the answer must keep (`contract.contract.Contract`): a prompt says it, or it is read from the screened request."""
    contract_rounds: int
    # settle
    usage: Usage
    cost: int
    """Nano-dollars."""
    chunks: array[int] | None
    """Of a stream: microseconds since `sent_ns`, then characters, of each piece in turn."""
    finish: str
    """Why the answer (its first choice) ended; of a stream the pipeline writes it, of a whole answer `settle`."""
    answered_by: str
    """What the answer says its model is; may be left empty for a stream."""
    action: str
    """What the user did (`Seawall-Action`)."""
    snapshot: str
    """What a cassette finds this call by; written in evaluation lanes."""
    error: str
    """The slug of what went wrong, or empty."""

    def __init__(self, request: Request, surface: Surface, deadline: Deadline, span: Span) -> None:
        self.id, self.span = span.span_id, span
        self.request, self.surface, self.deadline = request, surface, deadline
        self.started_ns = time.monotonic_ns()
        self.body, self.attempts, self.masks = {}, [], {}
        self.lane = self.model = self.app = self.prompt = self.version = self.variant = self.quiet = self.kept_of = self.route = ""
        self.finish = self.answered_by = self.action = self.snapshot = self.error = ""
        self.remote = self.texts = self.untrusted = self.findings = ()
        self.stream = self.usage_asked = self.clean = False
        self.caller = self.reservation = self.cache_key = self.leader = self.target = self.contract = self.chunks = None
        self.sent_ns = self.first_ns = self.contract_rounds = self.cost = 0
        self.sent, self.keep = b"", True
        self.data_class, self.served, self.usage = "internal", "model", NO_USAGE

    @property
    def together(self) -> bool:
        """Whether it may be asked with others that come at once: embeddings, and prompts that say so. What a cassette knows must not depend
        on what else was asked at the moment, so evaluations are not."""
        if self.surface == "embeddings":
            return True
        return self.contract is not None and self.contract.together and not self.stream and not self.lane

    @property
    def answerer(self) -> str:
        """The model (`Target.id`) whose answer this is, whoever asked it and when; empty: nobody's yet."""
        if self.target is not None:
            return self.target.id
        return self.kept_of or (self.leader.answerer if self.leader is not None else "")
