"""Answers of one text are told apart quickly, and only where there is nothing to redact."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.exact_cache.calls import COMPLETION

from seawall.model_proxy.exchanges.plain import is_plain
from seawall.model_proxy.exchanges.redact import redact

CHOICE = COMPLETION["choices"][0]
words = st.text(max_size=40) | st.sampled_from(
    ["ann@acme.example", "+44 20 7946 0958", "AKIAIOSFODNN7EXAMPLE", "QUJD" * 400, "data:,a b" * 200, "A tide."]
)
members = st.dictionaries(st.sampled_from(["content", "refusal", "annotations", "reasoning", "other"]), words | st.none() | st.lists(words))


def answer(message: dict[str, Any], **choice: Any) -> dict[str, Any]:
    return {**COMPLETION, "choices": [{**CHOICE, **choice, "message": {"role": "assistant", **message}}]}


def test_a_usual_answer_is_plain() -> None:
    """With what providers say beside it."""
    assert is_plain(COMPLETION)
    usage = {**COMPLETION["usage"], "prompt_tokens_details": {"cached_tokens": 3, "audio_tokens": None}}
    long = answer({"content": "A wall of stone. " * 200, "refusal": None, "annotations": []}, logprobs=None)
    assert is_plain({**long, "usage": usage, "system_fingerprint": "fp_1", "service_tier": "default"})


@given(members, members)
def test_a_plain_answer_holds_nothing_to_redact(message: dict[str, Any], more: dict[str, Any]) -> None:
    """Whatever a provider sends."""
    body = {**answer(message), **more}
    if is_plain(body):
        said = {name: value for name, value in body.items() if name not in ("id", "object", "model")}
        assert redact(said) is said


@pytest.mark.parametrize(
    "message",
    [
        {"content": "Ask ann@acme.example."},
        {"content": "x", "refusal": "No."},
        {"content": "QUJD" * 400},
        {"content": "data:,a b" * 200},
        {},
    ],
)
def test_others_are_looked_at_closely(message: dict[str, Any]) -> None:
    """A find, a member that says something, a file, no text."""
    assert not is_plain(answer(message))


def test_a_text_that_is_known_to_hold_nothing_is_not_read_again() -> None:
    """Only that very text."""
    assert is_plain(answer({"content": "Ask ann@acme.example."}), "Ask ann@acme.example.")
    assert not is_plain(answer({"content": "Ask ann@acme.example."}), "Ask.")
