"""How a simulated provider behaves at one request, and how a request asks for it. Pure.

A behaviour is written `status=429;retry_after=2;times=1`: in the model's name after its first semicolon (`gpt-x;token_ms=50`), in the
header `lab-behaviour`, or as a step of a script. Of the three the header counts most, then the script, then the model's name.
"""

from __future__ import annotations

from typing import Any, get_type_hints

import msgspec

from seawall.core.errors import InvalidInput

HEADER = "lab-behaviour"
STEPS_MAX = 1_000


class InvalidBehaviour(InvalidInput):
    """A behaviour is written `name=value;name=value`."""

    slug = "invalid-behaviour"


class Behaviour(msgspec.Struct, frozen=True):
    """What one answer does. Times are milliseconds; the defaults are a good provider."""

    status: int = 200
    """401, 403, 429, 500, 529…: an error answer in OpenAI's shape."""
    retry_after: str = ""
    """The header of that name, as it is: seconds or an HTTP date."""
    message: str = ""
    """The error's sentence."""
    first_byte_ms: int = 0
    token_ms: int = 0
    """Before each piece of a stream."""
    silent: int = 0
    """1: never answer."""
    reset: int = 0
    """1: reset the connection instead of answering."""
    cut_after: int = -1
    """Close the connection after so many pieces of a stream (of a whole answer: after its head and half its body)."""
    stall_after: int = -1
    """Fall silent after so many pieces of a stream."""
    malformed: int = 0
    """1: the JSON is broken; of a stream, from the third piece on."""
    duplicate_keys: int = 0
    invalid_utf8: int = 0
    oversized: int = 0
    """Bytes of nonsense in the answer's text."""
    swap: str = ""
    """Name this model in the answer, not the one asked for."""
    wrong_schema: int = 0
    """1: structured output that does not keep its schema."""
    tokens: int = 24
    """Words of the answer."""
    finish: str = ""
    """`length`: stop as a model does that ran out of tokens."""
    text: str = ""
    """Say exactly this."""
    echo: int = 0
    """1: say what the last message of the user said."""
    usage: int = 1
    """0: never tell the tokens used."""
    role: int = 1
    """0: a stream begins with its first words, without a piece that says whose they are."""
    refuse: str = ""
    """Answer 400 to an embedding of a text that holds this."""
    times: int = 0
    """Behave so for the first so many requests that ask for it, then well; 0: always."""


_TYPES = get_type_hints(Behaviour)


def parse(text: str) -> Behaviour:
    """InvalidBehaviour for a name that is not one, or a value of the wrong kind."""
    fields: dict[str, Any] = {}
    for part in filter(None, (one.strip() for one in text.split(";"))):
        name, equals, value = part.partition("=")
        kind = _TYPES.get(name.strip())
        if kind is None or not equals:
            raise InvalidBehaviour(expected="name=value with a name of " + ", ".join(sorted(_TYPES)), got=repr(part[:60]))
        try:
            fields[name.strip()] = kind(value.strip())
        except ValueError:
            raise InvalidBehaviour(f"{name.strip()} is a whole number", got=repr(value[:60])) from None
    return Behaviour(**fields)


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of a script: which requests, what they get."""

    behave: str
    model: str = ""
    """Only requests for this model; empty: any."""
    times: int = 1
    """How many requests; 0: all that follow."""


class Script:
    """Steps, used up in order: each request takes the first step that is for its model."""

    def __init__(self, steps: tuple[Step, ...] = ()) -> None:
        if len(steps) > STEPS_MAX:
            raise InvalidBehaviour(expected=f"at most {STEPS_MAX} steps", got=str(len(steps)))
        self._steps = [(step, parse(step.behave)) for step in steps]
        self._used = [0] * len(steps)

    def next(self, model: str) -> Behaviour | None:
        """What the script has for a request; None: nothing (any more)."""
        for at, (step, behaviour) in enumerate(self._steps):
            if step.model in ("", model) and (step.times == 0 or self._used[at] < step.times):
                self._used[at] += 1
                return behaviour
        return None


class Chooser:
    """Finds the behaviour of each request. `script` may be replaced while it runs."""

    def __init__(self, script: Script | None = None) -> None:
        self.script = script or Script()
        self._seen: dict[str, int] = {}

    def choose(self, model: str, header: str) -> Behaviour:
        """InvalidBehaviour when what asks for it cannot be read."""
        name, _, inline = model.partition(";")
        if header:
            return self._counted(header, parse(header))
        return self.script.next(name) or self._counted(model, parse(inline))

    def _counted(self, key: str, behaviour: Behaviour) -> Behaviour:
        if behaviour.times == 0:
            return behaviour
        if len(self._seen) >= STEPS_MAX and key not in self._seen:
            self._seen.clear()
        self._seen[key] = self._seen.get(key, 0) + 1
        return behaviour if self._seen[key] <= behaviour.times else Behaviour()
