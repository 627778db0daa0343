"""How soon and how often is tried again, and how a provider's words are read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.core.clock import ManualClock
from seawall.core.errors import DeadlineExceeded, SeawallError
from seawall.model_proxy.config import ProviderLimits, Retries
from seawall.model_proxy.errors import NoProvider, OverLimit, ProviderFailed
from seawall.model_proxy.failures import Fault, clean, judged, refused
from seawall.model_proxy.pace import Pace
from seawall.model_proxy.retry import RETRY_AFTER_MAX, RetryBudget, retry_after, wait_seconds
from seawall.model_proxy.upstream_errors import TimedOut

KEY = "sk-proj-abcDEF0123456789abcdef"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:50 GMT"}, 30.0),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:00 GMT"}, 0.0),
        ({"retry-after": "999999999"}, RETRY_AFTER_MAX),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(headers: dict[str, str], seconds: float | None) -> None:
    """Against a clock that stands at 2023-11-14T22:13:20Z."""
    assert retry_after(headers, ManualClock()) == seconds


@given(st.text(max_size=60))
def test_retry_after_is_a_bounded_time_or_nothing(text: str) -> None:
    """Whatever a provider writes."""
    seconds = retry_after({"retry-after": text}, ManualClock())
    assert seconds is None or 0 <= seconds <= RETRY_AFTER_MAX


@given(st.integers(1, 1000), st.floats(0, 1))
def test_back_off_is_bounded(again: int, chance: float) -> None:
    """And jittered; what the provider says goes before."""
    assert 0 <= wait_seconds(again, None, chance=lambda: chance) <= 2.0
    assert wait_seconds(again, 7.0) == 7.0


@given(st.lists(st.booleans(), max_size=200))
def test_the_budget_is_never_overdrawn(spends: list[bool]) -> None:
    """In the long run a share of calls, at once a few more."""
    budget, spent = RetryBudget(Retries(share=0.25, burst=3)), 0
    for spend in spends:
        if spend:
            spent += budget.spend()
        else:
            budget.earn()
    assert spent <= 3 + 0.25 * spends.count(False)


@pytest.mark.parametrize(
    ("status", "body", "fault", "told"),
    [
        (400, b'{"error":{"message":"bad","param":"n"}}', "caller", 400),
        (413, b"", "caller", 413),
        (401, b"", "key", 502),
        (403, b"<html>", "key", 502),
        (429, b"{}", "limit", 429),
        (429, b'{"error":{"code":"insufficient_quota"}}', "key", 502),
        (404, b'{"error":"no such model"}', "ours", 502),
        (302, b"", "ours", 502),
        (418, b"[]", "ours", 502),
        (408, b"", "provider", 502),
        (500, b"\xff", "provider", 502),
        (529, b"[{}]", "provider", 502),
        (999, b"null", "provider", 502),
    ],
)
def test_every_status_is_somebodys_fault(status: int, body: bytes, fault: Fault, told: int) -> None:
    """As the table says."""
    failure = refused("p", status, {}, body, KEY)
    assert (failure.fault, failure.error.status) == (fault, told)


@pytest.mark.parametrize(
    ("error", "fault", "again"),
    [
        (OverLimit(retry_after=1), "limit", False),
        (DeadlineExceeded(), "ours", False),
        (TimedOut(phase="total"), "provider", False),
        (TimedOut(phase="first_byte"), "provider", True),
        (ProviderFailed(), "provider", True),
        (NoProvider(), "ours", False),
    ],
)
def test_errors_of_ours_are_judged_too(error: SeawallError, fault: Fault, again: bool) -> None:
    """By what they say of the provider."""
    failure = judged(error)
    assert (failure.fault, failure.again) == (fault, again)


@pytest.mark.parametrize(
    "sentence",
    [
        f"Incorrect API key provided: {KEY}.",
        "Your key sk-ab***yz is wrong",
        f"see https://x.example/?key={KEY}",
        f"Bearer {KEY}",
        "\x1b[31mno\r\n",
    ],
)
def test_a_providers_words_are_cleaned(sentence: str) -> None:
    """Of keys, addresses and control characters."""
    cleaned = clean(sentence, KEY)
    assert cleaned.isprintable()
    assert not any(part in cleaned for part in ("abcDEF", "sk-ab", "http"))
    assert clean("'temperature' must be at most 2", KEY) == "'temperature' must be at most 2"


@given(st.text(max_size=80), st.text(max_size=80))
def test_the_key_itself_never_passes(before: str, after: str) -> None:
    """Whatever stands around it."""
    assert KEY not in clean(f"{before}{KEY}{after}", KEY)


def test_a_minutes_limit_is_spread_over_the_minute() -> None:
    """Some at once, then as it fills."""
    pace = Pace(ProviderLimits(requests_per_minute=60), 0.0)
    out = 0
    while pace.ready(0.0):
        pace.take()
        out += 1
    assert out == 6
    assert pace.seconds_left(0.0) == pytest.approx(1.0)
    assert pace.ready(1.0)


def test_tokens_may_be_overdrawn_once_and_are_paid_back() -> None:
    """They are known only afterwards."""
    pace = Pace(ProviderLimits(tokens_per_minute=600), 0.0)
    pace.spent(160)
    assert not pace.ready(0.0)
    assert pace.seconds_left(0.0) == pytest.approx(10.0)
    assert pace.ready(10.5)
