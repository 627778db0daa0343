"""A prompt's request, read and made into a call: input checked, way chosen, messages rendered, contract set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from seawall.model_proxy.call import DATA_CLASSES, Call
from seawall.model_proxy.contract.contract import Contract
from seawall.model_proxy.errors import BadCall, OutOfScope, UnknownModel
from seawall.model_proxy.prompts.library import Library, Ready
from seawall.model_proxy.wire import read_object

PREFIX = "/v1/prompts/"


class Asked(msgspec.Struct, frozen=True):
    """What somebody wants of a prompt."""

    ready: Ready
    input: dict[str, Any]
    stream: bool = False


def find(library: Library, path: str) -> Ready | None:
    """The prompt of an address; None when there is none."""
    app, _, name = path.removeprefix(PREFIX).partition("/")
    return library.find(app, name)


def read(library: Library, path: str, body: bytes) -> Asked:
    """The request. UnknownModel for a prompt there is not, BadCall with a JSON pointer for an input that does not keep its schema."""
    ready = find(library, path)
    if ready is None:
        raise UnknownModel(f"The prompt '{path.removeprefix(PREFIX)[:100]}' does not exist or you do not have access to it")
    value = read_object(body)
    unknown = next((key for key in value if key not in ("input", "stream")), None)
    if unknown is not None:
        raise BadCall("There is no such member", param=unknown[:100], expected="`input` and `stream`")
    given, stream = value.get("input"), value.get("stream", False)
    if not isinstance(stream, bool):
        raise BadCall("`stream` is true or false", param="stream")
    wrong = ready.input.fault(given) if isinstance(given, dict) else None
    if wrong is not None or not isinstance(given, dict):
        pointer = "/input" + (wrong.path if wrong is not None else "")
        raise BadCall(
            f"The input does not keep its schema at {pointer}: {wrong.sentence if wrong else 'an object is missing'}", param=pointer
        )
    return Asked(ready, given, stream)


def permitted(call: Call, ready: Ready) -> None:
    """OutOfScope for a key without the scope, UnknownModel for who may not know of the prompt."""
    principal = call.caller.principal if call.caller is not None else None
    if principal is not None and ready.may(principal):
        return
    if principal is not None and principal.scopes:
        raise OutOfScope(f"This key may not be used for prompts:{ready.path}", expected=f"the scope prompts:{ready.path}")
    raise UnknownModel(f"The prompt '{ready.path}' does not exist or you do not have access to it")


def enter(library: Library, call: Call, asked: Asked) -> None:
    """Make the call: what the model is asked, and what its answer must keep."""
    ready, prompt = asked.ready, asked.ready.prompt
    permitted(call, ready)
    variant = ready.variant(call.caller.user if call.caller is not None else "")
    call.app, call.prompt, call.version, call.variant = ready.app, prompt.name, prompt.version, variant.name
    call.model = variant.model or prompt.tier
    call.stream = asked.stream
    call.keep = prompt.cache
    call.data_class = max(call.data_class, prompt.data_class, key=DATA_CLASSES.index)
    call.contract = Contract(ready.output, {}, ready.artifact, asked.input, required=True, together=prompt.batch)
    call.body = {
        "model": call.model,
        "messages": library.messages(ready, variant, asked.input),
        "temperature": prompt.temperature if variant.temperature is None else variant.temperature,
        "max_tokens": variant.max_tokens or prompt.max_tokens,
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": prompt.output}},
    }
    if asked.stream:
        call.body |= {"stream": True, "stream_options": {"include_usage": True}}


Prepare = Callable[[Call], None]


def summary(call: Call, output: object, prompt: Ready, usage: dict[str, int], cost: int) -> dict[str, object]:
    """The members of an answer beside its output. Cost in dollars."""
    return {
        "output": output,
        "prompt": prompt.path,
        "version": call.version,
        "variant": call.variant,
        "model": call.answerer or call.model,
        "usage": usage,
        "cost": cost / 1e9,
        "cached": call.served != "model",
        "rounds": call.contract_rounds or 1,
    }
