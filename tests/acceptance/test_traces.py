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

PERIOD = "2017-03-07..2017-08-19"
"""Of no other test, so that nothing is at hand."""


def trace_with(seawall: Seawall, name: str, since_ns: int) -> dict[str, list[SpanRecord]]:
    """The newest trace with a ui span of this name, by boundary, once it has arrived."""
    found: list[list[SpanRecord]] = []

    def arrived() -> bool:
        traces = by_trace(read_spans(seawall.data / "telemetry", since_ns=since_ns)).values()
        found[:] = [
            trace for trace in traces if {"gateway", "ui"} <= {one.boundary for one in trace} and name in {one.name for one in trace}
        ]
        return bool(found)

    until(arrived)
    return {boundary: [one for one in found[-1] if one.boundary == boundary] for boundary in ("gateway", "ui", "storage")}


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("ui.fragments", f"/merchandising/api/pages/demand/fragments?panels=departments&period={PERIOD}"),
        ("ui.data", f"/merchandising/api/panels/rows?format=csv&period={PERIOD}"),
    ],
)
def test_a_trace_goes_down_to_the_query(seawall: Seawall, name: str, path: str) -> None:
    """The query is asked within the ui's span, which ends with the body: hardly anything of the gateway's time is unexplained."""
    settled(seawall)
    since = time.time_ns()
    with DataApi(seawall, "merchandising") as api:
        assert api.get(path).status_code == 200
    trace = trace_with(seawall, name, since)
    (whole,) = [one for one in trace["ui"] if one.name == name]
    queries = [one for one in trace["storage"] if one.name == "panel.query"]
    assert queries
    assert all(whole.start_ns <= one.start_ns and one.end_ns <= whole.end_ns for one in queries)
    outer = max(one.end_ns - one.start_ns for one in trace["gateway"])
    assert outer - (whole.end_ns - whole.start_ns) < 100e6
