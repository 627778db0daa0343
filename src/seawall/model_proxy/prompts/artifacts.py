"""Checks that a schema cannot say, by the names prompts use. The composition root adds others (`query-compiles`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seawall.model_proxy.contract.contract import Artifact

_NUMBER = re.compile(r"[0-9]+(?:[.,'\u00a0\u202f][0-9]+)*")
_BETWEEN = re.compile(r"[.,'\u00a0\u202f]")


def numbers_given(value: Any, given: Any) -> Sequence[str]:  # noqa: ANN401 -- any JSON values
    """No number but those that stand in the input; `1,204.50` and `1.204,50` are one number, written by different people."""
    known = set(_numbers(given))
    return [
        f"The number {number} was not given; use only numbers of the input."
        for number in dict.fromkeys(_written(value))
        if _digits(number) not in known
    ]


def _numbers(value: Any) -> Iterator[str]:  # noqa: ANN401 -- any JSON value
    for number in _written(value):
        yield _digits(number)


def _written(value: Any) -> Iterator[str]:  # noqa: ANN401 -- any JSON value
    if isinstance(value, str):
        yield from _NUMBER.findall(value)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _written(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _written(inner)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _NUMBER.findall(f"{value:.15g}" if isinstance(value, float) else str(value))


def _digits(number: str) -> str:
    """A number's whole part and decimals, whatever stands between them: groups of three are no decimals unless they come last and alone."""
    groups = _BETWEEN.split(number)
    marks = _BETWEEN.findall(number)
    if len(groups) == 1 or (all(len(group) == 3 for group in groups[1:]) and (len(groups) > 2 or marks[0] != ".")):
        return "".join(groups).lstrip("0") or "0"
    decimals = groups[-1].rstrip("0")
    whole = "".join(groups[:-1]).lstrip("0") or "0"
    return f"{whole}.{decimals}" if decimals else whole


ARTIFACTS: Mapping[str, Artifact] = {"numbers-given": numbers_given}
