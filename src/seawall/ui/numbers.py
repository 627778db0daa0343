"""Which values of a result are numbers that can be placed on a scale, and which are missing."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TypeGuard

Number = int | float | Decimal


def is_number(value: object) -> TypeGuard[Number]:
    """Whether `value` is a number that can be placed on a scale (a boolean is not one)."""
    kind = type(value)
    if kind is float:
        return value - value == 0  # type: ignore[operator, no-any-return]  # false for NaN and infinities, and quick
    if kind is int:
        return True
    if isinstance(value, Decimal):
        return value.is_finite()
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def to_float(value: Number) -> float:
    """`value` as a float, infinite when it is too large for one."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def is_missing(value: object) -> bool:
    """Whether `value` is null, or a number that is none."""
    if isinstance(value, Decimal):
        return value.is_nan()
    return value is None or (isinstance(value, float) and math.isnan(value))
