"""The one format of a recorded model call, version 1: one JSON object a line.

docs/reference/exchanges.md describes it, docs/reference/exchange.schema.json checks it. Fields are only ever added, with a default; a
reader passes over those it does not know. What a default says is not written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Literal

import msgspec

from seawall.model_proxy.call import Attempt, Usage

VERSION = 1
EXCHANGE_BYTES_MAX = 256 << 10
"""One that is larger is written without its request and response (`cut`)."""


class Exchange(msgspec.Struct, frozen=True, omit_defaults=True):
    """One model call."""

    v: Literal[1]
    """The format's version."""
    id: str
    at: float
    """When it came, seconds since 1970."""
    tenant: str
    surface: str = "chat"
    """`chat`, `embeddings` or `prompt`."""
    user: str = ""
    """A pseudonym: the same user's is the same within a tenant, and says nothing else."""
    key: str = ""
    """The id of the machine key it came with."""
    app: str = ""
    prompt: str = ""
    version: str = ""
    """The prompt's digest."""
    variant: str = ""
    action: str = ""
    """What the user did (`Seawall-Action`)."""
    trace: str = ""
    """The trace's id."""
    lane: str = ""
    """`eval` for evaluations."""
    data_class: str = "internal"
    request: dict[str, Any] = {}
    """The request as it was sent on, redacted: messages or input, and parameters."""
    model: str = ""
    """The name asked for."""
    target: str = ""
    """Our name for the model that was asked."""
    provider: str = ""
    provider_model: str = ""
    """The provider's name for it."""
    answered_by: str = ""
    """What the answer said its model is."""
    tier: str = ""
    response: dict[str, Any] | None = None
    """The whole answer, redacted, also when it was streamed; without the vectors of embeddings."""
    stream: bool = False
    finish: tuple[str, ...] = ()
    """Why each choice ended."""
    took_ms: float = 0.0
    first_ms: float = 0.0
    """From sending to the first piece, or to the whole answer."""
    chunks: tuple[tuple[int, int], ...] = ()
    """Microseconds since sending, and characters, of each piece of a stream."""
    usage: Usage = Usage()
    """What it cost: nothing for an answer from the cache."""
    cost: int = 0
    """Nano-dollars (1e-9 USD)."""
    cache: str = "model"
    """Where the answer came from: `model`, `cache`, `coalesced` or `replay`."""
    question: str = ""
    """Equal for exchanges that asked exactly the same under the same rights; empty when it was not to be cached."""
    snapshot: str = ""
    """What a cassette finds it by: equal for the same request, whoever asks."""
    attempts: tuple[Attempt, ...] = ()
    rounds: int = 0
    """Times it was asked so that the contract is kept: 1 without a repair, 0 where there is no contract."""
    findings: tuple[str, ...] = ()
    """Screening rules that matched."""
    error: str = ""
    """The slug of what went wrong (errors.md)."""
    cut: bool = False
    """It was too large: request and response are left out."""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Exchange).decode


def encode(exchange: Exchange) -> bytes:
    """One line, without its end. At most 256 KB."""
    line = _encode(exchange)
    if len(line) > EXCHANGE_BYTES_MAX:
        line = _encode(msgspec.structs.replace(exchange, request={}, response=None, chunks=(), cut=True))
    return line


def decode(line: bytes | str) -> Exchange:
    """An exchange from its line. msgspec.MsgspecError or UnicodeDecodeError when it is not one of a version we know."""
    return _decode(line)


def decode_lines(data: bytes) -> Iterator[Exchange]:
    """The exchanges of some lines; what is not one is passed over."""
    for line in data.split(b"\n"):
        if line:
            try:
                yield _decode(line)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                continue


def join(lines: Iterable[bytes]) -> bytes:
    """JSON Lines."""
    return b"\n".join([*lines, b""])


def schema() -> bytes:
    """The JSON Schema of a line."""
    made = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A recorded model call (exchange), version 1"}
    return msgspec.json.format(msgspec.json.encode({**made, **msgspec.json.schema(Exchange)}), indent=2) + b"\n"
