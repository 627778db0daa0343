"""Exclusive time by boundary."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from seawall.telemetry.boundaries import exclusive_ms, quantile, union
from seawall.telemetry.collector import SpanRecord

MS = 1_000_000


def record(boundary: str, start_ms: int, end_ms: int) -> SpanRecord:
    return SpanRecord("t", "s", "n", "svc", boundary, start_ms * MS, end_ms * MS)


def test_each_boundary_keeps_only_what_no_deeper_one_took():
    """A page of 100 ms that waited 60 ms for storage behind a gateway of 110 ms: 10, 40, 60."""
    trace = [record("gateway", 0, 110), record("ui", 5, 105), record("storage", 20, 80)]
    assert exclusive_ms(trace) == {"gateway": 10.0, "ui": 40.0, "storage": 60.0}


def test_concurrent_waits_count_once():
    """Ten panels that wait for the warehouse together cost one wait."""
    trace = [record("ui", 0, 100), *[record("storage", 10, 60) for _ in range(10)]]
    assert exclusive_ms(trace) == {"ui": 50.0, "storage": 50.0}


def test_work_that_outlives_the_request_is_not_its_time():
    """A production that goes on after the page has ended costs the page what it waited."""
    trace = [record("ui", 0, 100), record("storage", 60, 900)]
    assert exclusive_ms(trace) == {"ui": 60.0, "storage": 40.0}


intervals = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)).map(lambda pair: (min(pair), max(pair))), max_size=20)


@given(intervals)
def test_a_union_covers_the_same_points_without_overlap(some):
    """Merged intervals are disjoint, ordered, and cover exactly the points of the originals."""
    merged = union(some)
    assert all(a[1] < b[0] for a, b in itertools.pairwise(merged))
    points = lambda them: {p for a, b in them for p in range(a, b)}  # noqa: E731
    assert points(merged) == points(some)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.001, 1))
def test_a_quantile_is_one_of_the_values_with_enough_below_it(values, q):
    """At least a share q of the values is at or below the quantile (within the resolution of a thousandth)."""
    found = quantile(values, q)
    assert found in values
    assert sum(v <= found for v in values) >= int(q * 1000) / 1000 * len(values) - 1e-9
