"""What the pipeline asks of each stage. One class keeps each promise; `pipeline.py` shows the order.

A stage is synchronous where it can be: `admit`, `screen`, `look` and `candidates` run without a round trip for most requests. What an
answer passes on its way out are *filters*, in the order the pipeline lists them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from seawall.model_proxy.cache.answers import Answer
from seawall.model_proxy.cache.flights import Flight
from seawall.model_proxy.call import Call, Caller, Piece, Target, Whole
from seawall.model_proxy.exchanges.evaluation import Evaluation
from seawall.model_proxy.genai_spans import Semconv
from seawall.model_proxy.http import Request
from seawall.model_proxy.upstream_exchange import Control


class AnswerSink(Protocol):
    """Where an answer goes: the pipeline's filters, then everybody who waits for it. What its methods raise ends the exchange."""

    released: bool
    """Something has reached the client: too late for a retry, a fallback or another status."""
    control: Control | None
    """Set by who brings the answer: lets a slow client hold the provider back."""

    def stream(self, piece: Piece) -> None:
        """The next piece of a streamed answer."""

    def whole(self, answer: Whole) -> None:
        """A whole answer."""


class Filter(Protocol):
    """Something an answer passes piece by piece. It may hold pieces back, change them, or raise to cut the answer."""

    def piece(self, piece: Piece) -> Sequence[Piece]:
        """What may be released now."""

    def end(self) -> Sequence[Piece]:
        """What was held back."""

    def whole(self, answer: Whole) -> Whole:
        """The same for an answer that is not streamed."""


class Identify(Protocol):
    """Who asks. NotSignedIn, InvalidToken, Unavailable."""

    def known(self, request: Request) -> Caller | None:
        """Without a round trip; None: ask `find`."""

    async def find(self, request: Request) -> Caller:
        """With one."""


class Admit(Protocol):
    """Limits and money. OverLimit, OverBudget, OutOfScope."""

    def try_admit(self, call: Call) -> bool:
        """Reserve from local allotments and set `call.reservation`; False: a round trip is needed, `admit` makes it."""

    async def admit(self, call: Call) -> None:
        """Lease what is missing, then reserve."""

    def settle(self, call: Call) -> None:
        """Give back what `call.usage` and `call.cost` did not use, and the stream. Never waits, never raises; safe to call twice."""


class Screen(Protocol):
    """Injection, personal data, secrets, data class. Screened."""

    def request(self, call: Call) -> bool:
        """Rules, on `call.texts`; may change `call.body` (masks). False: the policy wants `deep` as well."""

    async def deep(self, call: Call) -> None:
        """The classifier."""

    def output(self, call: Call) -> Filter | None:
        """What screens the answer and puts masked values back; None: nothing to do."""


class Cache(Protocol):
    """Exact answers, and one call for those that ask the same at once."""

    def look(self, call: Call) -> Answer | Flight | None:
        """What this process has. None with `call.cache_key` set: `begin` at once, then `fetch`."""

    def begin(self, call: Call) -> Flight:
        """This call brings the answer, for all who ask the same meanwhile."""

    async def fetch(self, call: Call) -> Answer | None:
        """What other processes have, given to everybody on the flight."""

    def ask(self, call: Call, told: Callable[[bool | None], None]) -> bool:
        """`fetch` without waiting, where that can be: see `leading.Elsewhere`."""


class Route(Protocol):
    """Which models may take a call, best first."""

    def candidates(self, call: Call) -> Sequence[Target]:
        """At least one. UnknownModel, NoProvider."""


class Calls(Protocol):
    """Runs candidates until one has answered."""

    async def call(self, call: Call, targets: Sequence[Target], answer: AnswerSink) -> None:
        """Bring an answer; SeawallError when nobody can."""


class Start(Protocol):
    """Begins a call without waiting, where that can be."""

    def __call__(
        self, call: Call, targets: Sequence[Target], answer: AnswerSink, done: Callable[[Exception | None], None]
    ) -> Callable[[], object] | None:
        """A call of what is returned cancels it, else `done` is told how it ended. None: nothing was begun. What that call gives is true
        where the work ends a moment later: then `done` is told, too, and what it cost is known only then."""


class Record(Protocol):
    """Exchanges and spans."""

    def record(self, call: Call, answer: Whole | None, text: str, pieces: Sequence[Piece] = ()) -> None:
        """Queue the exchange. Never waits, never raises."""


class Stages(msgspec.Struct, frozen=True, kw_only=True):
    """What a pipeline is made of; None: that stage is off."""

    identify: Identify
    admit: Admit | None = None
    screen: Screen | None = None
    cache: Cache | None = None
    route: Route
    caller: Calls
    start: Start | None = None
    """The caller's quick way; None: it has none."""
    record: Record | None = None
    evaluation: Evaluation | None = None
    semconv: Semconv = "1.36"
