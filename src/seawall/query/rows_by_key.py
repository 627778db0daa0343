"""Rows of a dataset by the values of a field, compiled once for any values: planning a statement costs more than asking it.

A statement is compiled with marks in place of the values, as many as a size allows, and remembered like any other. Asking puts the values
in the marks' places, the last one again where there are fewer. The policy, the conditions and the casts are those of every other row query.
Nobody can guess a mark: a value that equals one, in a filter or a policy, would be replaced.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import msgspec

from seawall.app.model import DataType, Filter, RowsQuery, Scalar
from seawall.core.errors import InvalidInput
from seawall.query.port import Compiled

SIZES = (1, 16, 64, 512)
_NUMBER = -(2**62) - secrets.randbelow(2**61)
_TEXT = secrets.token_hex(16)


def marked(query: RowsQuery, field: str, datatype: DataType, count: int) -> tuple[RowsQuery, tuple[Scalar, ...]]:
    """The query for `count` values of `field` (`dataset.field`, a whole number or a text), with marks; and the marks.

    InvalidInput when there are none or too many.
    """
    size = next((size for size in SIZES if size >= count), 0)
    if not size or not count:
        raise InvalidInput("So many rows are not asked for by key at once", expected=f"1 to {SIZES[-1]}", got=str(count))
    marks: tuple[Scalar, ...] = tuple(_NUMBER - n if datatype == "Integer" else f"{_TEXT}{n}" for n in range(size))
    only = Filter(field, "in", marks)
    return msgspec.structs.replace(query, where=(*query.where, only), limit=size, count="none"), marks


def filled(compiled: Compiled, marks: Sequence[Scalar], values: Sequence[Scalar]) -> Compiled:
    """The statement with the values in the marks' places."""
    places = {mark: place for place, mark in enumerate(marks)}
    last = len(values) - 1
    parameters = tuple(
        values[min(places[each], last)] if isinstance(each, int | str) and not isinstance(each, bool) and each in places else each
        for each in compiled.parameters
    )
    return msgspec.structs.replace(compiled, parameters=parameters)
