"""Beacons from browsers."""

from collections.abc import Mapping, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.ui_server.sample import sample_app

from seawall.core.clock import ManualClock
from seawall.core.errors import InvalidInput, Unavailable
from seawall.core.principal import Principal
from seawall.ui.vitals import BEACONS_PER_MINUTE_MAX, BODY_BYTES_MAX, WAITING_MAX, Vitals, beacon_of

APP = sample_app()
RELEASE = "abababababab"
ANN = Principal("ann", session="s1")
GOOD = {
    "page": "demand",
    "release": "abababababab",
    "watermark": "g1",
    "trace_id": "c" * 32,
    "metrics": [{"name": "LCP", "value": 180.5, "rating": "good", "id": "v5-1"}, {"name": "INP", "value": 8, "rating": "good"}],
    "actions": [{"name": "row.open", "ms": 0, "at": 5}, {"name": "filter.department,period", "ms": 80, "at": 90}],
}


class Table:
    def __init__(self, *, away: bool = False) -> None:
        self.rows: list[Mapping[str, object]] = []
        self.away = away

    async def execute_many(self, query: str, rows: Sequence[Mapping[str, object]]) -> None:
        if self.away:
            raise Unavailable
        self.rows.extend(rows)


async def test_a_beacon_becomes_rows() -> None:
    """Metrics carry the action they may come from; timed actions are measurements themselves; all carry the page's trace."""
    table = Table()
    vitals = Vitals(table)  # type: ignore[arg-type]
    vitals.record("shop", beacon_of(APP.pages, RELEASE, msgspec.json.encode(GOOD)), ANN)
    await vitals.flush()
    assert [(row["metric"], row["value"], row["action"]) for row in table.rows] == [
        ("LCP", 180.5, "navigate"),
        ("INP", 8.0, "filter.department,period"),
        ("action", 80.0, "filter.department,period"),
    ]
    assert {row["trace_id"] for row in table.rows} == {"c" * 32}


@pytest.mark.parametrize(
    "change",
    [
        {"page": "nowhere"},
        {"release": "babababababa"},
        {"page": "<script>"},
        {"metrics": [{"name": "XYZ", "value": 1, "rating": "good"}]},
        {"metrics": [{"name": "LCP", "value": -1, "rating": "good"}]},
        {"metrics": [{"name": "LCP", "value": 1, "rating": "good"}] * 21},
        {"actions": [{"name": "x" * 300}]},
        {"release": ""},
    ],
)
def test_a_malformed_beacon_is_refused(change: dict[str, object]) -> None:
    """Only what we describe reaches the table."""
    with pytest.raises(InvalidInput):
        beacon_of(APP.pages, RELEASE, msgspec.json.encode(GOOD | change))


@given(st.binary(max_size=300))
def test_no_body_breaks_the_reader(body: bytes) -> None:
    """Whatever is posted is read or refused."""
    with pytest.raises(InvalidInput):
        beacon_of(APP.pages, RELEASE, body)


def test_a_large_body_is_refused() -> None:
    """Sixteen kilobytes are plenty."""
    with pytest.raises(InvalidInput):
        beacon_of(APP.pages, RELEASE, b" " * (BODY_BYTES_MAX + 1))


async def test_a_lost_database_loses_measurements_and_nothing_else() -> None:
    """The queue is bounded, and writing never raises."""
    vitals = Vitals(Table(away=True))  # type: ignore[arg-type]
    for number in range(WAITING_MAX):
        vitals.record("shop", beacon_of(APP.pages, RELEASE, msgspec.json.encode(GOOD)), Principal(f"u{number}"))
    assert len(vitals._waiting) == WAITING_MAX
    await vitals.flush()
    assert not vitals._waiting


async def test_a_sign_in_sends_so_many_beacons_a_minute() -> None:
    """More are dropped; other sign-ins are not touched, and a minute later there is room again."""
    clock = ManualClock()
    vitals = Vitals(table := Table(), clock)  # type: ignore[arg-type]
    beacon = beacon_of(APP.pages, RELEASE, msgspec.json.encode(GOOD))
    for _ in range(BEACONS_PER_MINUTE_MAX + 5):
        vitals.record("shop", beacon, ANN)
    vitals.record("shop", beacon, Principal("ann", session="s2"))
    clock.advance(60)
    vitals.record("shop", beacon, ANN)
    await vitals.flush()
    assert len(table.rows) == 3 * (BEACONS_PER_MINUTE_MAX + 2)
