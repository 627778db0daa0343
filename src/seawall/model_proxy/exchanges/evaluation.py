"""The evaluation lane: calls that come out the same each time, and that cassettes may answer.

`Seawall-Lane: eval` needs the scope `eval`. It sets temperature 0 and a seed, and `Seawall-Snapshot` says what cassettes are for: `record`
writes what a model answers, `replay` answers from the cassette and records what it lacks, `require` fails where the cassette lacks it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextvars import Context
from functools import partial
from time import monotonic_ns
from typing import Literal, NamedTuple, Protocol

import msgspec

from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.errors import NotFound, SeawallError
from seawall.model_proxy.cache.answers import Answer, Kept
from seawall.model_proxy.call import Call, Piece, Usage, Whole
from seawall.model_proxy.errors import BadCall
from seawall.model_proxy.exchanges.build import Told, build
from seawall.model_proxy.exchanges.cassettes import Cassettes, snapshot_of
from seawall.model_proxy.exchanges.format import Exchange
from seawall.model_proxy.forms import is_usage_alone, pieces_of
from seawall.model_proxy.scopes import EVAL, require
from seawall.model_proxy.sse import encode
from seawall.telemetry.events import event

LANE_HEADER = "seawall-lane"
SNAPSHOT_HEADER = "seawall-snapshot"
TIMING_HEADER = "seawall-timing"
PROMPT_HEADER = "seawall-prompt"
"""On a chat: it is what a prompt (`APP/PROMPT`) sent on, asked again. The app's cassettes are looked into."""
SEED = 0
AT_ONCE_BYTES_MAX = 128 << 10
"""What a longer request is found by is worked out in a thread."""
TIDY_SECONDS = 600.0
WRITES_MAX = 256
"""Exchanges on their way to a cassette at once."""

Mode = Literal["", "record", "replay", "require"]
_MODES: dict[str, Mode] = {"": "", "record": "record", "replay": "replay", "require": "require"}


class NoSnapshot(NotFound):
    """The cassette does not know this request."""

    slug = "no-snapshot"


class Takes(Protocol):
    """Where replayed pieces go."""

    def stream(self, piece: Piece) -> None:
        """The next piece."""


class Gives(Takes, Protocol):
    """One client's answer (`answer.Delivery`)."""

    def ready(self, body: bytes) -> None:
        """A whole answer that is bytes already."""

    def ready_stream(self, events: bytes) -> None:
        """A streamed one, to its end."""

    def finish(self) -> None:
        """The end of a stream."""


class Replay(NamedTuple):
    """A recorded answer. Its bytes are in `answer`; `timed` gives its pieces at the times they were recorded with."""

    answer: Answer
    exchange: Exchange

    def timed(self) -> list[tuple[float, Piece]]:
        """Seconds since the start, and each piece."""
        chunks = self.exchange.chunks
        pieces = pieces_of(self.exchange.response or {}, [characters for _, characters in chunks])
        times = [microseconds / 1e6 for microseconds, characters in chunks if characters] or [0.0]
        return [(times[min(number, len(times) - 1)], piece) for number, piece in enumerate(pieces)]

    async def play(self, sink: Takes, *, usage: bool) -> None:
        """Give every piece to `sink` at its time."""
        began = asyncio.get_running_loop().time()
        for at, piece in self.timed():
            if (pause := began + at - asyncio.get_running_loop().time()) > 0:
                await asyncio.sleep(pause)
            if usage or not is_usage_alone(piece):
                sink.stream(piece)


def mode_of(call: Call) -> Mode:
    """What the call says about cassettes. BadCall when that is nonsense."""
    said = call.request.headers.get(SNAPSHOT_HEADER, "").strip().lower()
    mode = _MODES.get(said)
    if mode is None:
        raise BadCall("Seawall-Snapshot says something unknown", expected="record, replay or require", got=said[:40])
    return mode


class Evaluation:
    """Cassettes in front of models, for calls of the evaluation lane."""

    def __init__(self, cassettes: Cassettes, clock: Clock = SYSTEM_CLOCK) -> None:
        self._cassettes = cassettes
        self._time = clock.time
        self._writes: set[asyncio.Task[None]] = set()
        self._tidying: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to let go of what is too old or too much."""
        if self._tidying is None:
            self._tidying = asyncio.create_task(self._tidy(), name="seawall-cassettes", context=Context())

    def enter(self, call: Call) -> bool:
        """Whether the call is an evaluation; then it is set up as one. Call it when it is known who asks, before the request is screened.

        OutOfScope without the scope, BadCall when the headers are nonsense.
        """
        lane = call.request.headers.get(LANE_HEADER, "")
        if lane != EVAL:
            if lane:
                raise BadCall("Seawall-Lane names no lane", expected=EVAL, got=lane[:40])
            return False
        require(call.caller.principal.scopes if call.caller else (), EVAL)
        mode_of(call)
        call.lane = EVAL
        if call.surface == "chat" and (prompt := call.request.headers.get(PROMPT_HEADER, "")):
            require(call.caller.principal.scopes if call.caller else (), f"prompts:{prompt[:200]}")
            call.app, _, call.prompt = prompt[:200].partition("/")
        if call.surface != "embeddings":
            call.body["temperature"] = 0
            call.body.setdefault("seed", SEED)
        return True

    async def answer(self, call: Call, client: Gives) -> None:
        """Give a client the recorded answer, when one is asked for and there is one. What `look` raises."""
        found = await self.look(call)
        if found is None:
            return
        call.kept_of = found.exchange.target
        if not call.stream:
            client.ready(found.answer.whole())
        elif call.request.headers.get(TIMING_HEADER) == "recorded":
            await found.play(client, usage=call.usage_asked)
            client.finish()
        else:
            client.ready_stream(found.answer.stream(usage=call.usage_asked))

    async def look(self, call: Call) -> Replay | None:
        """The recorded answer, when one is asked for; sets `call.snapshot`. NoSnapshot when it is required and there is none."""
        mode = mode_of(call)
        if not mode:
            return None
        named = partial(snapshot_of, "prompt" if call.prompt else call.surface, call.body)
        call.snapshot = named() if len(call.request.body) <= AT_ONCE_BYTES_MAX else await asyncio.to_thread(named)
        if mode == "record":
            return None
        tenant = call.caller.tenant if call.caller else ""
        found = await asyncio.to_thread(self._cassettes.find, tenant, call.app, call.snapshot)
        if found is not None:
            call.served = "replay"
            return Replay(answer_of(found), found)
        if mode == "require":
            raise NoSnapshot(got=f"snapshot {call.snapshot}", fix="Record it once with Seawall-Snapshot: record")
        return None

    def record(self, call: Call, answer: Whole | None, text: str, pieces: Sequence[Piece] = ()) -> None:
        """Write a model's answer to the cassette, when that was asked for. Never waits, never raises."""
        if not call.snapshot or call.served == "replay" or call.error or len(self._writes) >= WRITES_MAX:
            return
        told = Told(call, answer, text, pieces, self._time(), monotonic_ns() - call.started_ns)
        task = asyncio.get_running_loop().create_task(self._write(told))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    async def close(self) -> None:
        """Wait for what is being written."""
        if self._tidying is not None:
            self._tidying.cancel()
        if self._writes:
            await asyncio.wait(self._writes, timeout=5.0)

    async def _tidy(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self._cassettes.tidy)
            except OSError as error:
                event("exchanges.not_written", error=type(error).__name__, count=0)
            await asyncio.sleep(TIDY_SECONDS)

    async def _write(self, told: Told) -> None:
        try:
            await asyncio.to_thread(self._add, told)
        except (OSError, SeawallError) as error:  # of the disk, or of who keeps the keys
            event("exchanges.not_written", error=type(error).__name__, count=1)

    def _add(self, told: Told) -> None:
        exchange = build(told, "", vectors=True)
        if exchange.response is not None:
            self._cassettes.add(exchange)


def answer_of(exchange: Exchange) -> Answer:
    """A recorded answer in both forms, streamed in the pieces it was recorded in."""
    body = exchange.response or {}
    whole = msgspec.json.encode(body)
    if exchange.surface == "embeddings":
        return Answer(Kept(whole, b"", b"", Usage(), exchange.target, exchange.at))
    pieces = pieces_of(body, [characters for _, characters in exchange.chunks])
    frames = b"".join([encode(piece) for piece in pieces if not is_usage_alone(piece)])
    usage = b"".join([encode(piece) for piece in pieces if is_usage_alone(piece)])
    return Answer(Kept(whole, frames, usage, Usage(), exchange.target, exchange.at))
