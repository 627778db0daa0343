"""Spans: parents, errors, and their way over the wire and back."""

import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from seawall.telemetry import spans
from seawall.telemetry.collector import SpanFiles, decode, read_spans
from seawall.telemetry.export import Exporter
from seawall.telemetry.otlp import encode


@pytest.fixture(autouse=True)
def _empty_buffer():
    spans.finished.clear()
    yield
    spans.finished.clear()


def test_a_child_belongs_to_the_trace_it_was_opened_in():
    """A span opened inside another carries its trace and names it as parent."""
    with spans.span("page", "ui") as outer, spans.span("query", "storage") as inner:
        assert (inner.trace_id, inner.parent_id) == (outer.trace_id, outer.span_id)


def test_a_caller_in_another_process_is_the_parent():
    """A W3C traceparent header links the span to the caller's."""
    header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with spans.span("page", "ui", traceparent=header) as made:
        assert (made.trace_id, made.parent_id) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")


@pytest.mark.parametrize(
    "header",
    ["", "nonsense", "00-short-b7ad6b7169203331-01", "00-" + "z" * 32 + "-" + "z" * 16 + "-01", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"],
)
def test_a_malformed_traceparent_starts_a_new_trace(header):
    """Nonsense from outside never reaches the exporter."""
    with spans.span("page", "ui", traceparent=header) as made:
        assert made.parent_id == ""
        bytes.fromhex(made.trace_id)


def test_a_failing_block_marks_its_span():
    """The exception passes, and the span tells its name."""
    with pytest.raises(ValueError, match="no"), spans.span("query", "storage"):
        raise ValueError("no")
    assert spans.finished[0].error == "ValueError"


def test_the_oldest_spans_go_when_nobody_collects_them():
    """The buffer is bounded."""
    assert spans.finished.maxlen == spans.BUFFER_SPANS_MAX


def test_what_is_encoded_is_what_the_collector_reads(tmp_path):
    """Names, ids, boundary and attributes of every type survive OTLP and the file."""
    with spans.span("page", "ui", panels=3, ratio=0.5, cached=True, page="demand"):
        pass
    files = SpanFiles(tmp_path)
    files.append(decode(encode(list(spans.finished), "seawall-ui", "1")))
    (record,) = read_spans(tmp_path)
    assert (record.name, record.boundary, record.service) == ("page", "ui", "seawall-ui")
    assert record.attributes == {"panels": 3, "ratio": 0.5, "cached": True, "page": "demand"}


def test_the_exporter_posts_batches_to_a_collector():
    """Everything waiting is sent, over real HTTP."""
    bodies: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        for _ in range(3):
            with spans.span("page", "ui"):
                pass
        exporter = Exporter(f"http://127.0.0.1:{server.server_port}", "seawall-ui", "0", spans.finished)
        exporter.flush()
        server.shutdown()
        thread.join()
    assert exporter.sent_spans == 3
    assert [one.name for body in bodies for one in decode(body)] == ["page"] * 3


def test_a_collector_that_is_away_costs_the_batch_only():
    """Spans are counted as lost and the service goes on."""
    source = deque([_finished()])
    exporter = Exporter("unix:///nowhere/at-all.sock", "seawall-ui", "0", source)
    exporter.flush()
    assert (exporter.lost_spans, len(source)) == (1, 0)


def _finished() -> spans.Span:
    with spans.span("page", "ui") as made:
        pass
    return made
