"""A call asked once more, for a repair: other messages, whole, by a tier. What it uses is added to the call; its deadline holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from seawall.model_proxy.call import Call, Piece, Target, Tier, Whole
from seawall.model_proxy.errors import ProviderFailed, UnknownModel
from seawall.model_proxy.stages import Calls, Route
from seawall.model_proxy.upstream_exchange import Control


class Kept:
    """An answer kept for whoever asked (`stages.AnswerSink`)."""

    def __init__(self) -> None:
        self.released = False
        self.control: Control | None = None
        self.answer: Whole | None = None

    def stream(self, piece: Piece) -> None:
        """There are no streams here."""
        raise ProviderFailed("The provider streams an answer that was asked for as a whole")

    def whole(self, answer: Whole) -> None:
        """The answer."""
        self.answer = answer


class Again:
    """Asks by the name of a tier; by the model the client named where there is no such route."""

    def __init__(self, call: Call, route: Route, calls: Calls) -> None:
        self._call, self._route, self._calls = call, route, calls

    async def __call__(self, tier: Tier, messages: list[dict[str, Any]]) -> Whole:
        """The whole answer. SeawallError."""
        call, kept = self._call, Kept()
        body, stream, model, route, contract = call.body, call.stream, call.model, call.route, call.contract
        sent_ns = call.sent_ns
        call.body = {key: value for key, value in body.items() if key not in ("stream", "stream_options")} | {"messages": messages}
        call.stream, call.contract = False, None  # what comes is held to it by whoever asked
        try:
            await self._calls.call(call, self._candidates(tier), kept)
        finally:
            call.body, call.stream, call.model, call.route, call.contract = body, stream, model, route, contract
            call.sent_ns = sent_ns or call.sent_ns  # `first_ns` is of the round it began
        if kept.answer is None:
            raise ProviderFailed("The provider gave no answer")
        return kept.answer

    def _candidates(self, tier: Tier) -> Sequence[Target]:
        named = self._call.model
        try:
            self._call.model = tier
            return self._route.candidates(self._call)
        except UnknownModel:
            self._call.model = named
            return self._route.candidates(self._call)
