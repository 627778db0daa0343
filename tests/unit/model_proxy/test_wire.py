"""What is taken for a request of OpenAI's API, and how the faulty part is named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.model_proxy.errors import BadCall
from seawall.model_proxy.wire import read_chat, read_embeddings

HELLO = {"model": "small", "messages": [{"role": "user", "content": "hello"}]}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def body(**changes: Any) -> bytes:
    return json.dumps({**HELLO, **changes}).encode()


@given(st.dictionaries(st.text(min_size=1).map("x_".__add__), JSON, max_size=4), st.sampled_from([None, 1]), st.booleans())
def test_unknown_members_pass(more: dict[str, Any], indent: int | None, ascii_only: bool) -> None:
    """However it is written, what we do not know reaches the provider unchanged."""
    written = json.dumps({**HELLO, **more}, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    try:
        assert read_chat(written)[0] == {**HELLO, **more}
    except BadCall:
        assert any("\ud800" <= char <= "\udfff" for char in str(more)) or "\\ud" in written.decode("utf-8", "replace")


def test_other_parts_pass() -> None:
    """Content that is not text is handed on."""
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "what is this?"}, image]}]
    assert read_chat(body(messages=messages))[0]["messages"] == messages


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "king", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages[0].content[0].type"),
        ({"model": None}, "model"),
        ({"temperature": 3}, "temperature"),
        ({"stream": "yes"}, "stream"),
        ({"n": 9, "stream": True}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"messages": [HELLO["messages"][0]] * 4097}, "messages"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}] * 4097}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}] * 100}] * 41}, "messages"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": "a"}] * 100}] * 82}, "messages"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}] * 257}, "tools"),
        ({"functions": [{"name": "f"}] * 257}, "functions"),
        ({"stop": ["a"] * 65}, "stop"),
    ],
)
def test_param(changes: dict[str, Any], param: str) -> None:
    """The member at fault is named as OpenAI names it."""
    with pytest.raises(BadCall) as caught:
        read_chat(body(**changes))
    assert caught.value.param == param


def test_the_limit_that_was_passed_is_named() -> None:
    """With how many there may be; a million parts are not even decoded for the stages."""
    with pytest.raises(BadCall, match="4096"):
        read_chat(body(messages=[{"role": "user", "content": [{"type": "text", "text": "a"}] * 200_000}]))
    with pytest.raises(BadCall, match=r"at most 4,096 in all messages together\. Got 4,100"):
        read_chat(body(messages=[{"role": "user", "content": [{"type": "text", "text": "a"}] * 100}] * 41))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{",
        body()[:-1] + b',"user":"\xff"}',
        body()[:-1] + b',"x":' + b"[" * 50_000,
        body()[:-1] + b',"model":"large"}',
        body()[:-1] + b',"x":{"a":1,"\\u0061":2}}',
        body()[:-1] + b',"x":1e5,"y":1,"y":1}',
        body() + b"{}",
        b"\xef\xbb\xbf" + body(),
    ],
)
def test_ambiguous(data: bytes) -> None:
    """What two readers could take differently is refused."""
    with pytest.raises(BadCall):
        read_chat(data)


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    """Nothing but BadCall comes of nonsense."""
    for read in (read_chat, read_embeddings):
        with pytest.raises(BadCall):
            read(data)


def test_embeddings() -> None:
    """Texts or tokens, not nothing."""
    assert read_embeddings(b'{"model":"embed","input":["a","b"]}')[0]["input"] == ["a", "b"]
    with pytest.raises(BadCall) as caught:
        read_embeddings(b'{"model":"embed","input":[]}')
    assert caught.value.param == "input"
