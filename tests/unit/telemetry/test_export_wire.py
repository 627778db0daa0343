"""Spans on the wire are what OpenTelemetry's own message classes read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from seawall.telemetry.otlp import encode
from seawall.telemetry.spans import Span, Value

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
values = texts | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.lists(texts, max_size=3).map(tuple)


def plain(value: AnyValue) -> Value:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return tuple(one.string_value for one in value.array_value.values)
    read: Value = getattr(value, kind)
    return read


@given(texts, st.sampled_from(["internal", "server", "client"]), st.booleans(), st.dictionaries(texts, values, max_size=4), texts)
def test_any_span_reads_as_it_was(name: str, kind: str, root: bool, attributes: dict[str, Value], error: str) -> None:
    """Names, times, kinds, parents, errors and attributes of every type."""
    one = Span(name, "model", kind, "0123456789abcdef" * 2, "" if root else "fedcba9876543210", attributes)
    one.end_ns, one.error = one.start_ns + 5, error
    request = ExportTraceServiceRequest.FromString(encode([one, one], "proxy", "1"))
    [sent] = request.resource_spans
    assert {each.key: plain(each.value) for each in sent.resource.attributes} == {"service.name": "proxy", "service.instance.id": "1"}
    read, again = sent.scope_spans[0].spans
    assert read == again
    assert (read.name, read.trace_id.hex(), read.span_id.hex(), read.parent_span_id.hex()) == (
        name,
        one.trace_id,
        one.span_id,
        one.parent_id,
    )
    assert (read.start_time_unix_nano, read.end_time_unix_nano) == (one.start_ns, one.end_ns)
    assert read.kind == ["internal", "server", "client"].index(kind) + 1
    assert (read.status.message, read.status.code) == ((error, 2) if error else ("", 0))
    got = [(each.key, plain(each.value)) for each in read.attributes]
    assert [(key, type(value), value) for key, value in got] == [
        (key, type(value), value) for key, value in [("seawall.boundary", "model"), *attributes.items()]
    ]


@given(st.lists(st.tuples(values, values), min_size=2, max_size=6))
def test_spans_with_the_same_names_are_told_apart_by_their_values(pairs: list[tuple[Value, Value]]) -> None:
    """What is remembered of one says nothing of another: 1 is not true, nor 1.0."""
    made = [
        Span("call", "model", "client", "0123456789abcdef" * 2, "", {"one": one, "other": other})
        for one, other in [*pairs, (1, 1.0), (True, 1)]
    ]
    [sent] = ExportTraceServiceRequest.FromString(encode([*made, *reversed(made)], "proxy", "1")).resource_spans
    for one, read in zip([*made, *reversed(made)], sent.scope_spans[0].spans, strict=True):
        got = [plain(each.value) for each in read.attributes][1:]
        assert [(type(value), value) for value in got] == [(type(value), value) for value in one.attributes.values()]
