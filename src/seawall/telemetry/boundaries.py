"""How long each boundary took by itself, from spans.

A boundary's exclusive time in a trace is the time in which one of its spans was open and none of a deeper boundary was.
Concurrent children are counted once (the union of their intervals), so ten panels that wait for the warehouse
together cost the storage boundary one wait. Only what happens while the outermost boundary's span is open counts: an answer
that others wait for may go on after the request that began it has ended.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from seawall.telemetry.collector import SpanRecord

DEPTH = {"gateway": 0, "ui": 1, "worker": 1, "model": 2, "storage": 3}
"""Outer boundaries first: a deeper one's time is never also the outer one's."""

Interval = tuple[int, int]


def exclusive_ms(trace: Iterable[SpanRecord]) -> dict[str, float]:
    """Milliseconds by boundary for the spans of one trace. Boundaries without spans are absent."""
    by_boundary: dict[str, list[Interval]] = defaultdict(list)
    for record in trace:
        if record.boundary in DEPTH:
            by_boundary[record.boundary].append((record.start_ns, record.end_ns))
    if not by_boundary:
        return {}
    result: dict[str, float] = {}
    deeper: list[Interval] = []
    whole = union(by_boundary[min(by_boundary, key=lambda name: DEPTH[name])])
    for boundary in sorted(by_boundary, key=lambda name: -DEPTH[name]):
        own = _intersection(union(by_boundary[boundary]), whole)
        result[boundary] = (_length(own) - _length(_intersection(own, union(deeper)))) / 1e6
        deeper.extend(own)
    return result


def by_trace(records: Iterable[SpanRecord]) -> dict[str, list[SpanRecord]]:
    """Records grouped by their trace."""
    traces: dict[str, list[SpanRecord]] = defaultdict(list)
    for record in records:
        traces[record.trace_id].append(record)
    return traces


def quantile(values: Sequence[float], q: float) -> float:
    """The nearest-rank quantile; nan of nothing."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(q * 1000) * len(ordered) // 1000) - 1))]


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """The same points, as intervals that do not touch, in order."""
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _intersection(left: list[Interval], right: list[Interval]) -> list[Interval]:
    both = []
    i = j = 0
    while i < len(left) and j < len(right):
        start, end = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if start < end:
            both.append((start, end))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return both


def _length(intervals: list[Interval]) -> int:
    return sum(end - start for start, end in intervals)
