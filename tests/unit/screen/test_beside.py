"""Secrets and personal data that travel beside the messages are found as those in them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.unit.screen.calls import screened, user

from seawall.model_proxy.errors import BadCall, Screened
from seawall.model_proxy.screen.beside import beside
from seawall.model_proxy.screen.settings import Screening

SECRET = "sk-abcdEFGH1234567890abcd"
SAYS = f"use {SECRET} for it"
SCHEMA = {"type": "object", "properties": {"a": {"type": "string", "enum": ["x", SAYS]}}}
CALLED = {"role": "assistant", "tool_calls": [{"id": SAYS, "type": "custom", "custom": {"input": SAYS}}]}


@pytest.mark.parametrize(
    ("message", "more"),
    [
        (user("hi"), {"tools": [{"type": "function", "function": {"name": "f", "description": SAYS}}]}),
        (user("hi"), {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}}),
        (user("hi"), {"metadata": {"note": SAYS}}),
        (user("hi"), {"prediction": {"type": "content", "content": [{"type": "text", "text": SAYS}]}}),
        (user("hi"), {"stop": ["x", SAYS]}),
        (user("hi") | {"name": SAYS}, {}),
        (CALLED, {}),
        ({"role": "assistant", "content": None, "function_call": {"name": SAYS, "arguments": "{}"}}, {}),
        ({"role": "user", "content": [{"type": "image_url", "image_url": {"url": f"https://x.example/?key={SECRET}"}}]}, {}),
        ({"role": "user", "content": [{"type": "unheard-of", "words": [{"deep": SAYS}]}]}, {}),
    ],
)
def test_secrets_beside_the_messages_are_refused_or_masked(message: dict[str, Any], more: dict[str, Any]) -> None:
    """Wherever a provider would read them."""
    with pytest.raises(Screened):
        screened(Screening(secrets="refuse"), msgspec.json.decode(msgspec.json.encode(message)), **more)
    masked = screened(Screening(secrets="mask"), message, **msgspec.json.decode(msgspec.json.encode(more)))
    assert SECRET not in msgspec.json.encode(masked.body).decode()
    assert SECRET in masked.masks.values()


def test_ordinary_parameters_and_files_say_nothing() -> None:
    """Nothing is looked for in numbers, in switches or in a file's bytes."""
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AKIAIOSFODNN7EXAMPLE", "detail": "low"}}
    body = {"model": "m", "temperature": 0, "stream": True, "messages": [{"role": "user", "content": [image]}]}
    assert [place.text for place in beside(body)] == ["low"]


def test_more_than_anybody_can_look_at_is_refused() -> None:
    """Nothing hides behind a heap of words."""
    with pytest.raises(BadCall):
        screened(Screening(), user("hi"), metadata={"words": ["a"] * 30_000 + [SAYS]})
