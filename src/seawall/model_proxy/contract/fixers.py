"""Answers mended without a model, where it is plain what was meant. Deterministic; what is right already stays as it is, to the byte.

First the syntax (`lenient`): code fences, prose around JSON, quotes, bare keys, Python's words, commas, closers. Then the values: a number
written as a text where the schema has a number, a word of a list in another case. The result keeps the schema, or there is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from seawall.core.schemas.compiled import CompiledSchema, kind_of
from seawall.core.schemas.plan import Plan
from seawall.core.schemas.work import TooMuch
from seawall.model_proxy.contract.lenient import Unreadable, read

STARTS_MAX = 8
"""How many brackets are tried as the answer's first."""
TEXT_MAX = 256 << 10
_FENCE = re.compile(r"```[A-Za-z0-9]*[ \t]*\r?\n?")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,30})(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,2})?")


def fixed(text: str, schema: CompiledSchema, *, closers: bool = True) -> str | None:
    """The answer that was meant, keeping the schema; the same text when it does already; None when it is not plain."""
    if len(text) > TEXT_MAX:
        return None
    for value, same in _meanings(text, closers):
        if schema.is_valid(value):
            return text if same else msgspec.json.encode(value).decode()
        try:
            mended = coerced(value, schema.plan)
        except TooMuch:
            return None
        if schema.is_valid(mended):
            return msgspec.json.encode(mended).decode()
    return None


def _meanings(text: str, closers: bool) -> Iterator[tuple[Any, bool]]:
    """What it may mean, likeliest first, and whether it is that very text."""
    try:
        yield msgspec.json.decode(text), True
        return
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        pass
    fence = _FENCE.search(text)
    starts = [fence.end()] if fence else []
    starts += [found.start() for found in re.finditer(r"[\[{]", text)][:STARTS_MAX]
    for start in dict.fromkeys(starts):
        try:
            yield read(text, start, closers=closers)[0], False
        except Unreadable:
            continue


def coerced(value: Any, plan: Plan, depth: int = 0) -> Any:  # noqa: ANN401 -- any JSON value
    """The value with texts that are numbers, booleans or words in another case as the plan has them. What fits is not touched."""
    kind = kind_of(value)
    if kind == "string":
        return _scalar(value, plan)
    case = plan.case(kind)
    if case is None or case.simple is None or depth > 64:
        return value
    if kind == "object" and (members := case.simple.object) is not None:
        return {
            key: coerced(inner, place, depth + 1) if (place := members.properties.get(key, members.others)) else inner
            for key, inner in value.items()
        }
    if kind == "array" and (items := case.simple.array) is not None:
        return [coerced(inner, place, depth + 1) if (place := items.item(index)) else inner for index, inner in enumerate(value)]
    return value


def _scalar(text: str, plan: Plan) -> Any:  # noqa: ANN401 -- any scalar
    if not plan.scalar_fault("string", text):
        return text
    bare = text.strip()
    case = plan.case("string")
    if case is not None and case.simple is not None and case.simple.text.words is not None:
        near = [word for word in case.simple.text.words if word.casefold() == bare.casefold()]
        return near[0] if len(near) == 1 else text
    if _NUMBER.fullmatch(bare) and plan.admits("number"):
        number = msgspec.json.decode(bare)
        return text if plan.scalar_fault("number", number) else number
    if bare.casefold() in ("true", "false") and not plan.scalar_fault("boolean", bare.casefold() == "true"):
        return bare.casefold() == "true"
    return text
