"""What an answer owes its caller, and how it is asked for again when it does not pay.

A contract is made from `response_format` (`json_schema` with `strict`, or `json_object`), from tools with `strict: true`, or by a prompt,
which may add a check of its own (`Artifact`). Fixers first; then one repair by the small tier, then the large tier: three rounds at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import msgspec

from seawall.core.errors import InvalidInput
from seawall.core.schemas.compiled import COMPILE_STEPS_MAX, CompiledSchema, Schema, compiled, kept
from seawall.core.schemas.errors import UnsupportedSchema, Violation
from seawall.model_proxy.call import Call, Tier, Whole
from seawall.model_proxy.contract.fixers import fixed
from seawall.model_proxy.errors import BadCall, ContractBroken, NoProvider, OverLimit, UnknownModel

ROUNDS_MAX = 3
FAULTS_MAX = 5
WAITING_MAX = 32
"""Calls whose schemas are made ready at once."""
QUOTED_MAX = 8_000
"""Characters of a bad answer that are shown to the model that mends it."""
Again = Callable[[Tier, list[dict[str, Any]]], Awaitable[Whole]]
"""Asks a tier once more with these messages. What it uses is added to the call by whoever makes the call."""
ANY_OBJECT: dict[str, Any] = {"type": "object"}


class Artifact(Protocol):
    """A check that a schema cannot say: whether a query compiles, whether a sentence names only numbers that were given."""

    def __call__(self, value: Any, given: Any) -> Sequence[str]:  # noqa: ANN401 -- any JSON values
        """The faults of an answer's value, each a sentence a model can act on; `given` is the prompt's input. Fast; no I/O."""


class Contract(msgspec.Struct, frozen=True):
    """What an answer must keep. `tools`: schemas of strict tools' arguments, by name."""

    schema: CompiledSchema | None = None
    tools: Mapping[str, CompiledSchema] = {}
    artifact: Artifact | None = None
    given: Any = None
    required: bool = False
    """There must be an answer: a refusal, tool calls or one cut at `max_tokens` are no answer. Else the client is told of those."""
    together: bool = False
    """The question may be asked with others of its kind that come at once."""

    def fault(self, text: str) -> Violation | None:
        """The first thing wrong with a whole answer."""
        try:
            value = msgspec.json.decode(text)
        except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
            return Violation("", "the answer is not JSON")
        wrong = self.schema.fault(value) if self.schema is not None else None
        if wrong is None and self.artifact is not None:
            faults = tuple(self.artifact(value, self.given))[:FAULTS_MAX]
            wrong = Violation("", "; ".join(fault[:300] for fault in faults)) if faults else None
        return wrong

    def mended(self, text: str, *, closers: bool = True) -> str | None:
        """The answer as the fixers have it, keeping the contract; None when they cannot help."""
        found = fixed(text, self.schema, closers=closers) if self.schema is not None else None
        return found if found is not None and self.fault(found) is None else None


def broken(wrong: Violation) -> ContractBroken:
    """The error for a violation."""
    place = f" at {wrong.path}" if wrong.path else ""
    return ContractBroken(f"The model's answer breaks its schema{place}: {wrong.sentence}"[:500])


def of(call: Call) -> Contract | None:
    """The contract of a plain chat completion; None when it has none. BadCall when its schema cannot be held."""
    return _of(call.body, compiled)


def wanted(body: dict[str, Any]) -> bool:
    """Whether a request asks for an answer that is held to something."""
    form = body.get("response_format") or {}
    named = form.get("json_schema") or {}
    strict = form.get("type") == "json_schema" and bool(named.get("strict")) and named.get("schema") is not None
    return strict or form.get("type") == "json_object" or any(True for _ in _strict(body.get("tools") or ()))


def prepare(call: Call) -> Awaitable[None] | None:
    """Set `call.contract` where the request asks for one: at once when its schemas are kept ready, else once a thread has made them.

    BadCall; OverLimit when too many wait for the thread.
    """
    body = call.body
    if ("response_format" not in body and "tools" not in body) or call.contract is not None:
        return None
    try:
        call.contract = _of(body, _kept)
    except _NotKept:
        return _made(call)
    return None


class _NotKept(Exception):
    """A schema has to be made first."""


def _kept(schema: Schema) -> CompiledSchema:
    found = kept(schema)
    if found is None:
        raise _NotKept
    return found


async def _made(call: Call) -> None:
    """One after another, in a thread, so that other calls go on meanwhile."""
    if len(_waiting) >= WAITING_MAX:
        raise OverLimit("Too many schemas are being made ready", retry_after=1.0, fix="Try again later")
    made = asyncio.get_running_loop().run_in_executor(_thread, of, call)
    _waiting.add(made)
    made.add_done_callback(_waiting.discard)
    call.contract = await made


_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="schemas")
_waiting: set[asyncio.Future[Contract | None]] = set()


def _of(body: dict[str, Any], find: Callable[[Schema], CompiledSchema]) -> Contract | None:
    form, tools = body.get("response_format"), body.get("tools")
    if not form and not tools:
        return None
    schema = _schema_of(form, find) if form else None
    steps, strict = schema.steps if schema is not None else 0, {}
    for name, parameters in _strict(tools or ()):
        strict[name] = one = _held(parameters, f"tools.{name}.parameters", find)
        steps += one.steps
        if steps > COMPILE_STEPS_MAX:
            raise BadCall(
                "The schemas of this request take too much work together",
                param="tools",
                expected=f"at most {COMPILE_STEPS_MAX:,} steps",
                fix="Send fewer tools with `strict`, or simpler ones",
            )
    return Contract(schema, strict) if schema is not None or strict else None


def _schema_of(form: dict[str, Any], find: Callable[[Schema], CompiledSchema]) -> CompiledSchema | None:
    if form.get("type") == "json_object":
        return compiled(ANY_OBJECT)
    named = form.get("json_schema") or {}
    if form.get("type") != "json_schema" or not named.get("strict") or named.get("schema") is None:
        return None
    return _held(named["schema"], "response_format.json_schema.schema", find)


def _strict(tools: Sequence[dict[str, Any]]) -> Iterator[tuple[str, Schema]]:
    for tool in tools:
        function = tool.get("function")
        if tool.get("type") == "function" and isinstance(function, dict) and function.get("strict"):
            yield str(function.get("name", "")), function.get("parameters") or ANY_OBJECT


def _held(schema: Schema, param: str, find: Callable[[Schema], CompiledSchema]) -> CompiledSchema:
    try:
        return find(schema)
    except UnsupportedSchema as error:
        raise BadCall(f"Invalid schema for '{param[:100]}': {error.sentence()}", param=param[:100]) from error


def repair_messages(messages: Sequence[dict[str, Any]], text: str, wrong: str, released: str) -> list[dict[str, Any]]:
    """The conversation, the answer that does not do, and what is wrong with it."""
    ask = f"That answer does not do. {wrong} Answer again with the corrected JSON alone, nothing before or after it."
    if released:
        ask += f" It has to begin with exactly these characters: {released[-QUOTED_MAX:]}"
    return [*messages, {"role": "assistant", "content": text[:QUOTED_MAX] or "{}"}, {"role": "user", "content": ask}]


def tiers_after(call: Call) -> tuple[Tier, ...]:
    """Who is asked next: the small tier once, then the large; only the large when a large model answered."""
    rounds: tuple[Tier, ...] = ("large",) if call.target is not None and call.target.tier == "large" else ("small", "large")
    return rounds[: ROUNDS_MAX - 1]


def unanswerable(error: Exception) -> bool:
    """Whether a tier could not be asked at all, so that the next may be."""
    return isinstance(error, NoProvider | UnknownModel | InvalidInput)
