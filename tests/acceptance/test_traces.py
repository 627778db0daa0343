"""One request, one trace: from the gateway to the warehouse, for as long as the body takes."""

from __future__ import annotations

import time

import pytest
from tests.acceptance.conftest import Seawall
from tests.acceptance.data_api import DataApi
from tests.acceptance.visitors import settled
from tests.waiting import until

from seawall.telemetry.boundaries import by_trace
from seawall.telemetry.collector import SpanRecord, read_spans

PERIODS = tuple(f"2017-03-{day:02}..2017-08-19" for day in range(7, 12))
"""Of no other test, so that nothing is at hand."""
LEFT_NS_MAX = 100e6


def trace_with(seawall: Seawall, name: str, since_ns: int) -> dict[str, list[SpanRecord]]:
    """The newest trace with a ui span of this name, by boundary, once all of it has arrived."""
    found: list[list[SpanRecord]] = []

    def arrived() -> bool:
        traces = by_trace(read_spans(seawall.data / "telemetry", since_ns=since_ns)).values()
        found[:] = [
            trace
            for trace in traces
            if {"gateway", "ui", "storage"} <= {one.boundary for one in trace} and name in {one.name for one in trace}
        ]
        return bool(found)

    until(arrived)
    return {boundary: [one for one in found[-1] if one.boundary == boundary] for boundary in ("gateway", "ui", "storage")}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("ui.fragments", "/merchandising/api/pages/demand/fragments?panels=departments"),
        ("ui.data", "/merchandising/api/panels/rows?format=csv"),
    ],
)
def test_a_trace_goes_down_to_the_query(seawall: Seawall, name: str, path: str) -> None:
    """The query is asked within the ui's span, which ends with the body: hardly anything of the gateway's time is unexplained.

    A busy machine may hold up the one after the other has ended, though not every time.
    """
    settled(seawall)
    left = []
    for period in PERIODS:
        left.append(unexplained_ns(seawall, name, f"{path}&period={period}"))
        if left[-1] < LEFT_NS_MAX:
            return
    raise AssertionError(left)


def unexplained_ns(seawall: Seawall, name: str, path: str) -> int:
    """How much longer the gateway took than the ui."""
    since = time.time_ns()
    with DataApi(seawall, "merchandising") as api:
        assert api.get(path).status_code == 200
    trace = trace_with(seawall, name, since)
    (whole,) = [one for one in trace["ui"] if one.name == name]
    queries = [one for one in trace["storage"] if one.name == "panel.query"]
    assert queries
    assert all(whole.start_ns <= one.start_ns and one.end_ns <= whole.end_ns for one in queries)
    return max(one.end_ns - one.start_ns for one in trace["gateway"]) - (whole.end_ns - whole.start_ns)
