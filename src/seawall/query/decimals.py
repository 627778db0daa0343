"""Decimals as people write them: compiled queries give all of them six places, texts need no more than there are.

Arrow and Parquet keep the declared scale, which is a column's type; these are for CSV and JSON.
"""

from __future__ import annotations

from decimal import Context, Decimal
from typing import Any

import pyarrow as pa

_EXACT = Context(prec=76)
"""As many digits as a decimal of Arrow may have; Python's own context would round to 28."""


def plain(value: Decimal) -> Decimal:
    """The same number without trailing zeros and without an exponent: 2034.500000 as 2034.5, 100.000000 as 100."""
    whole = value.to_integral_value()
    return whole if value == whole else value.normalize(_EXACT)


def shortened(table: pa.Table) -> pa.Table:
    """The table with every decimal column at the smallest scale that holds all its values exactly."""
    for place, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type):
            column = _shortened(table.column(place))
            table = table.set_column(place, pa.field(field.name, column.type), column)
    return table


def _shortened(column: pa.ChunkedArray[Any]) -> pa.ChunkedArray[Any]:
    for scale in range(column.type.scale):
        try:
            return column.cast(pa.decimal128(38, scale))
        except pa.ArrowInvalid:  # it would lose digits
            continue
    return column
