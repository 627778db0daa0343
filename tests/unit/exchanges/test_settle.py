"""Settling: the provider's count stands, what it did not tell is estimated, what came from the cache costs nothing. And what spans say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.unit.exact_cache.calls import COMPLETION, a_call

from seawall.core.errors import ConfigurationError
from seawall.model_proxy.call import Attempt, Call, Usage, Whole
from seawall.model_proxy.genai_spans import annotate, semconv_of
from seawall.model_proxy.http import Request
from seawall.model_proxy.settle import settle
from seawall.telemetry.collector import decode
from seawall.telemetry.otlp import encode

WHOLE = Whole(COMPLETION, Usage(9, 3, 4))


class Reserved:
    """An admission that remembers what was settled."""

    def __init__(self) -> None:
        self.settled: list[tuple[Usage, int]] = []

    def try_admit(self, call: Call) -> bool:
        return True

    async def admit(self, call: Call) -> None:
        """Nothing to wait for."""

    def settle(self, call: Call) -> None:
        self.settled.append((call.usage, call.cost))


def test_a_providers_count_stands() -> None:
    """9 tokens at 100 nano-dollars and 3 at 400; what was reserved too much goes back."""
    call, admit = a_call(), Reserved()
    settle(call, WHOLE, "", admit)
    assert admit.settled == [(Usage(9, 3, 4), 2100)]
    assert (call.finish, call.answered_by) == ("stop", "gemma3-270m")


@pytest.mark.parametrize("served", ["cache", "coalesced", "replay"])
def test_answers_nobody_was_asked_for_cost_nothing(served: str) -> None:
    """The first asker paid."""
    call = a_call()
    call.served = served  # type: ignore[assignment]
    settle(call, WHOLE, "")
    assert (call.usage, call.cost) == (Usage(), 0)


def sent(body: bytes) -> Call:
    call = a_call()
    call.request = Request("POST", "/v1/chat/completions", "", {}, body)
    call.sent_ns = 1
    return call


def test_what_no_provider_told_is_estimated() -> None:
    """A token for four bytes, of a stream that was cut as of a whole answer; marked."""
    call = sent(b"x" * 41)
    settle(call, None, "é" * 4)
    assert call.usage == Usage(11, 2, estimated=True)
    call = sent(b"x" * 40)
    settle(call, Whole(COMPLETION), "")
    assert call.usage == Usage(10, 3, estimated=True)


def test_a_client_that_leaves_between_attempts_pays_for_none() -> None:
    """Those that were made have said what they took."""
    call = sent(b"x" * 40)
    call.error = "cancelled"
    call.attempts.append(Attempt("small", 503, "provider-failed", 1.0))
    settle(call, None, "")
    assert (call.usage, call.cost) == (Usage(), 0)


def test_failures_cost_nothing_and_vanished_clients_what_was_sent() -> None:
    """The provider works on when nobody listens."""
    failed, vanished = sent(b"x" * 40), sent(b"x" * 40)
    failed.error, vanished.error = "provider-failed", "cancelled"
    for call in (failed, vanished):
        settle(call, None, "")
    assert (failed.cost, vanished.usage, vanished.cost) == (0, Usage(10, 0, estimated=True), 1000)


def told(semconv: str, **more: object) -> dict[str, object]:
    call = a_call({"model": "small", "messages": [], "temperature": 0, "max_tokens": 64})
    call.prompt, call.version, call.action = "ask", "abc", "filter.department"
    for name, value in more.items():
        setattr(call, name, value)
    settle(call, WHOLE, "")
    annotate(call, semconv)  # type: ignore[arg-type]
    call.span.end_ns = call.span.start_ns + 1
    [record] = decode(encode([call.span], "seawall", "0"))
    return dict(record.attributes)


def test_a_span_tells_who_answered_what_with_how_many_tokens() -> None:
    """In the names of 1.36, as a collector reads them."""
    got = told("1.36")
    assert (
        got
        | {
            "gen_ai.operation.name": "chat",
            "gen_ai.system": "embedded",
            "gen_ai.request.model": "small",
            "gen_ai.response.model": "gemma3-270m",
            "gen_ai.request.temperature": 0.0,
            "gen_ai.request.max_tokens": 64,
            "gen_ai.usage.input_tokens": 9,
            "gen_ai.usage.output_tokens": 3,
            "gen_ai.response.finish_reasons": "stop",
            "gen_ai.prompt.name": "ask",
            "gen_ai.prompt.version": "abc",
            "seawall.action": "filter.department",
            "seawall.cache": "model",
        }
        == got
    )


def test_the_latest_names_are_a_switch_away() -> None:
    """With the time to the first chunk and the provider's cache; `off` leaves only ours."""
    got = told("latest", stream=True, sent_ns=1_000, first_ns=2_001_000)
    assert got["gen_ai.provider.name"] == "embedded"
    assert got["gen_ai.response.time_to_first_chunk"] == 0.002
    assert got["gen_ai.usage.cache_read.input_tokens"] == 4
    assert "gen_ai.system" not in got
    assert "gen_ai.response.time_to_first_chunk" not in told("latest", sent_ns=1_000, first_ns=2_001_000)
    assert not [name for name in told("off") if name.startswith("gen_ai.") and not name.startswith("gen_ai.prompt")]


@pytest.mark.parametrize("semconv", ["1.36", "latest", "off"])
def test_the_time_to_the_first_chunk_is_told_in_every_version(semconv: str) -> None:
    """Streamed or not, under a name of ours; an answer from the cache has none."""
    assert told(semconv, sent_ns=1_000, first_ns=2_001_000)["seawall.time_to_first_chunk"] == 0.002
    assert "seawall.time_to_first_chunk" not in told(semconv, first_ns=2_001_000)


def test_what_a_client_wrote_of_itself_is_redacted_in_spans() -> None:
    """Its action, and the name of a model there is not; as in exchanges."""
    got = told("1.36", action="ask jo@shop.example", model="sk-proj-aB3dE5fG7hI9jK1lM3nO5", target=None)
    assert (got["seawall.action"], got["gen_ai.request.model"]) == ("ask [pii.email]", "[secret.openai-key]")


def test_the_switch_is_read_from_the_environment() -> None:
    """Ours first, then OpenTelemetry's opt-in; nonsense is refused."""
    assert semconv_of("") == "1.36"
    assert semconv_of("", "http, gen_ai_latest_experimental") == "latest"
    assert semconv_of("off", "gen_ai_latest_experimental") == "off"
    with pytest.raises(ConfigurationError):
        semconv_of("2.0")


def test_every_attribute_is_described() -> None:
    """docs/reference/telemetry.md has a row for each and no other."""
    root = Path(__file__).parents[3]
    source = (root / "src" / "seawall" / "model_proxy" / "genai_spans.py").read_text().partition("def annotate(")[2]
    section = (root / "docs" / "reference" / "telemetry.md").read_text().partition("span says\n")[2].partition("\n## ")[0]
    rows = {line.split("`")[1] for line in section.splitlines() if line.startswith("| `")}
    assert rows == set(re.findall(r'"((?:gen_ai|seawall|error)\.[a-z_.]+)"', source))
