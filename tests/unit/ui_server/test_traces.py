"""The trace of a request holds everything that is done for it, also while its body is on the way."""

import msgspec
import pytest
from tests.unit.ui_server.sample import House

from seawall.core.errors import Unavailable
from seawall.telemetry.spans import Span, finished

TRACE = "a" * 32
TRACEPARENT = {"traceparent": f"00-{TRACE}-{'b' * 16}-01"}


def of_trace() -> dict[str, list[Span]]:
    named: dict[str, list[Span]] = {}
    for span in finished:
        if span.trace_id == TRACE:
            named.setdefault(span.name, []).append(span)
    return named


@pytest.fixture(autouse=True)
def no_spans() -> None:
    finished.clear()


async def test_a_fragments_trace_holds_queries_and_drawing(house: House) -> None:
    """The server's span lasts as long as its body, and what makes the body is beneath it."""
    house.engine.delay_seconds["sales"] = 0.03
    async with house.client(headers=TRACEPARENT) as client:
        await client.get("/shop/api/pages/demand/fragments?panels=sales")
    found = of_trace()
    (whole,) = found["ui.fragments"]
    for inner in (*found["panel.query"], *found["panel.render"]):
        assert whole.start_ns <= inner.start_ns <= inner.end_ns <= whole.end_ns
    assert {span.boundary for spans in found.values() for span in spans} == {"ui", "storage"}
    assert whole.end_ns - whole.start_ns >= 30e6


async def test_an_exports_span_lasts_until_its_last_row(house: House) -> None:
    """Rows that come late are the request's own time."""

    async def late(start: int) -> None:
        seen.append(len(of_trace().get("ui.data", ())))

    seen: list[int] = []
    house.engine.on_batch = late
    async with house.client(headers=TRACEPARENT) as client:
        assert (await client.get("/shop/api/panels/rows?format=csv")).status_code == 200
    found = of_trace()
    assert seen == [0, 0]
    assert found["panel.query"][0].parent_id == found["ui.data"][0].span_id


async def test_a_degraded_panel_is_told_with_its_trace(house: House, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Whoever reads the event finds the request."""
    house.engine.faults["sales"] = Unavailable("away")
    async with house.client(headers=TRACEPARENT) as client:
        await client.get("/shop/api/pages/demand/fragments?panels=sales")
    events = [msgspec.json.decode(line) for line in capfdbinary.readouterr().err.splitlines()]
    assert [event["trace_id"] for event in events if event["event"] == "panel.degraded"] == [TRACE]


async def test_a_page_tells_its_trace_beside_its_body(house: House) -> None:
    """Each answer its own, also when body and ETag are those of the answer before, and when there is no body."""
    async with house.client(headers=TRACEPARENT) as client:
        answers = [await client.get("/shop/demand") for _ in range(3)]
        answers.append(await client.get("/shop/demand", headers={"if-none-match": answers[-1].headers["etag"]}))
    pages = [span for span in finished if span.name == "ui.page"]
    assert [answer.headers["server-timing"] for answer in answers] == [f'traceparent;desc="{span.traceparent()}"' for span in pages]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 304]
    assert answers[1].content == answers[2].content
