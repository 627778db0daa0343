"""What a call may take at most, before anybody has counted: tokens by its bytes, money by the dearest model that may answer.

A token of English is about four bytes of JSON, of other scripts about two; the words around the text are counted too, so this is above
what providers count. Of the answer as many tokens are reserved as the call allows, or 4,096.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from seawall.model_proxy.call import Call, Limits
from seawall.model_proxy.config import Model, Route

OUTPUT_TOKENS = 4096
"""Reserved for an answer whose length the call does not bound."""
CHOICES_MAX = 128
TOKENS_AN_ADDRESS = 2048
"""Reserved for what a provider fetches: about what a large image takes."""


class Price(msgspec.Struct, frozen=True):
    """Of a route: the most its models ask (nano-dollars a token), the most they take (tokens), and those with limits of their own."""

    input: int = 0
    output: int = 0
    context: int = 0
    """0: not known."""
    limited: tuple[tuple[str, Limits], ...] = ()


NOTHING = Price()
"""Of a name that is no route."""


class Prices:
    """Prices by the name asked for, following the live table of routes."""

    def __init__(self, models: Mapping[str, Model], routes: Callable[[], Mapping[str, Route]]) -> None:
        self._models = models
        self._routes = routes
        self._of = routes()
        self._prices: dict[str, Price] = {}

    def moved(self) -> bool:
        """Whether the table changed since this was last asked."""
        before, self._of = self._of, self._routes()
        if self._of is before:
            return False
        self._prices = {}
        return True

    def of(self, name: str) -> Price:
        """The price of a route; NOTHING for a name that is none, which the route stage refuses."""
        routes = self._of
        found = self._prices.get(name)
        if found is None:
            route = routes.get(name)
            if route is None:
                return NOTHING
            found = self._prices[name] = self._price(route)
        return found

    def _price(self, route: Route) -> Price:
        models = [self._models[name] for name in dict.fromkeys((*route.variants, *route.fallback)) if name in self._models]
        return Price(
            max((model.target.input_price for model in models), default=0),
            max((model.target.output_price for model in models), default=0),
            max((model.target.context for model in models), default=0),
            tuple((model.id, model.limits) for model in models if model.limits != Limits()),
        )


def tokens_of(call: Call, price: Price) -> tuple[int, int]:
    """(input, output) tokens a call may take at most."""
    body, asked, surface, context = call.request.body, call.body, call.surface, price.context
    size = len(body) if surface != "prompt" else len(body) + _text_bytes(asked)
    tokens = (size >> 2 if body.isascii() else size >> 1) + 1
    if surface == "embeddings":
        return tokens, 0
    if call.remote:
        tokens += TOKENS_AN_ADDRESS * len(call.remote)
    output = _most(asked.get("max_completion_tokens"), asked.get("max_tokens")) or OUTPUT_TOKENS
    if context:
        tokens = tokens if tokens < context else context
        output = output if output < context else context
    choices = asked.get("n")
    if choices is not None and type(choices) is int and 1 < choices <= CHOICES_MAX:
        output *= choices
    return tokens, output


def _most(left: object, right: object) -> int:
    """The larger bound of two names for the same: a provider may read either. 0: there is none."""
    one, other = left if type(left) is int else 0, right if type(right) is int else 0
    return one if one > other else other


def _text_bytes(body: Mapping[str, Any]) -> int:
    """Of a rendered prompt's messages, which are longer than what the client sent."""
    messages = body.get("messages")
    if not isinstance(messages, list):
        return 0
    return sum(len(str(message.get("content") or "")) for message in messages if isinstance(message, dict))
