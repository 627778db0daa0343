"""Labels beside the ends of lines, moved apart so that none covers another."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

LINE_PX = 15


class EndLabel(msgspec.Struct, frozen=True):
    """What stands to the right of a series' last point."""

    y: float
    """Where the point is, CSS pixels."""
    name: str
    value: str
    color: int
    dashed: bool = False


def spread(places: Sequence[float], low: float, high: float, gap: float = LINE_PX) -> list[float]:
    """Places moved as little as needed to keep `gap` between neighbours within [low, high], in the order given.

    Overlapping labels are pooled and each pool is centred on the mean of what it wants (the pool-adjacent-violators method),
    which is the least-squares answer. When they cannot all fit, they are spaced evenly over the room there is.
    """
    count = len(places)
    if count * gap > high - low + gap:
        gap = (high - low) / max(1, count - 1)
    order = sorted(range(count), key=lambda index: places[index])
    pools: list[tuple[float, int]] = []
    for rank, index in enumerate(order):
        pools.append((places[index] - rank * gap, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (right, many), (left, few) = pools.pop(), pools.pop()
            pools.append(((right * many + left * few) / (many + few), many + few))
    settled = [mean for mean, many in pools for _ in range(many)]
    result = [0.0] * count
    for rank, index in enumerate(order):
        result[index] = min(max(settled[rank], low), high - (count - 1) * gap) + rank * gap
    return result
