"""Requests and answers that somebody made up to cost more, to say more, or to break more than they may."""

from __future__ import annotations

import gzip
import ipaddress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from seawall.core.deadline import Deadline
from seawall.model_proxy.addresses import is_public
from seawall.model_proxy.admission.estimate import Price, tokens_of
from seawall.model_proxy.answer import Source
from seawall.model_proxy.answering import Answering, Unreadable
from seawall.model_proxy.call import TOKENS_MAX, Call, Piece, Target
from seawall.model_proxy.errors import BadCall
from seawall.model_proxy.exchanges.segments import folder_of
from seawall.model_proxy.failures import refused
from seawall.model_proxy.forms import usage_of
from seawall.model_proxy.http import Request
from seawall.model_proxy.prompts.batch import ALIKE
from seawall.model_proxy.sse import EVENT_BYTES_MAX, BadStream, piece_of
from seawall.model_proxy.wire import DEPTH_MAX, read_chat
from seawall.telemetry import spans

KEY = "our-own-key-at-the-provider"


def made(**body: Any) -> Call:
    request = Request("POST", "/v1/chat/completions", "", {}, msgspec.json.encode(body))
    call = Call(request, "chat", Deadline.from_header(None, default_ms=1000), spans.begin("model.call", "model"))
    call.body = body
    return call


@pytest.mark.parametrize("bounds", [{"max_tokens": 9000, "max_completion_tokens": 1}, {"max_tokens": 1, "max_completion_tokens": 9000}])
def test_the_larger_of_two_bounds_is_reserved(bounds: dict[str, int]) -> None:
    """Providers differ in which of the two they read."""
    assert tokens_of(made(model="m", messages=[], **bounds), Price())[1] == 9000


def test_every_choice_is_reserved() -> None:
    """Eight answers cost eight times as much."""
    assert tokens_of(made(model="m", messages=[], max_tokens=100, n=8), Price())[1] == 800


def test_a_count_beyond_belief_is_bounded() -> None:
    """Money is kept in 64 bits: a provider that says 10^40 tokens must not break the books."""
    told = usage_of({"prompt_tokens": 10**40, "completion_tokens": 10**40})
    streamed = piece_of(b'{"choices":[],"usage":{"prompt_tokens":' + b"9" * 40 + b',"completion_tokens":-5}}').usage
    assert told is not None
    assert streamed is not None
    assert (told.input, told.output, streamed.input, streamed.output) == (TOKENS_MAX, TOKENS_MAX, TOKENS_MAX, 0)
    assert Target("t", "p", "m", input_price=10**6, output_price=10**6).cost(told) < 1 << 62


@pytest.mark.parametrize("depth", [DEPTH_MAX - 4, DEPTH_MAX + 2, 900])
def test_a_body_is_nested_as_far_as_stages_can_follow(depth: int) -> None:
    """Deeper ones would escape the record, which reads them level by level."""
    body = b'{"model":"m","messages":[{"role":"user","content":"x"}],"x":' + b"[" * depth + b"]" * depth + b"}"
    if depth < DEPTH_MAX:
        read_chat(body)
    else:
        with pytest.raises(BadCall, match="too deeply"):
            read_chat(body)


@pytest.mark.parametrize("body", [b'{"error":' + b"[" * 30_000 + b"]" * 30_000 + b"}", b'{"error":"\xff"}', b"\xff", b"[]"])
def test_an_error_that_cannot_be_read_is_still_the_providers(body: bytes) -> None:
    """Another is asked, as for any 500."""
    assert refused("p", 500, {}, body, KEY).fault == "provider"


@pytest.mark.parametrize("key", [KEY, "hunter2:pw"])
def test_a_providers_error_never_tells_our_key(key: str) -> None:
    """Neither in its sentence nor in the member it says is wrong, be it short and of no form that is known."""
    body = msgspec.json.encode({"error": {"message": f"bad key {key}", "param": key}})
    error = refused("p", 400, {}, body, key).error
    assert key not in f"{error.sentence()} {getattr(error, 'param', '')}"


@pytest.mark.parametrize("choice", ["text", 7, {"message": "text"}, {"message": {"tool_calls": "x"}}, {"message": {"tool_calls": ["x"]}}])
def test_a_whole_answer_of_another_form_is_the_providers_fault(choice: Any) -> None:
    """Not ours: the next candidate is asked."""
    call = made(model="m", messages=[])
    with pytest.raises(Unreadable):
        Answering(call, Target("t", "p", "m"), Source(call, (), None)).body({"choices": [choice]})  # type: ignore[arg-type]  # nothing comes so far


@pytest.mark.parametrize(
    "choice", [{"index": "x"}, {"index": [], "message": {"content": "a"}}, {"message": {"content": ["a"]}}, {"finish_reason": 3}]
)
def test_a_whole_answer_in_a_streams_place_is_held_to_what_streams_are(choice: Any) -> None:
    """Its fault is the provider's, before a piece of it is let through."""
    call = made(model="m", messages=[])
    call.stream = True
    with pytest.raises(BadStream):
        Answering(call, Target("t", "p", "m"), Source(call, (), None)).body({"choices": [choice]})  # type: ignore[arg-type]  # nothing comes so far


def in_a_streams_place(message: dict[str, Any]) -> list[Piece]:
    """What the sink gets of a whole answer."""
    call, got = made(model="m", messages=[]), list[Piece]()
    call.stream = True
    answering = Answering(call, Target("t", "p", "m"), SimpleNamespace(stream=got.append))  # type: ignore[arg-type]  # no other part of it
    answering.body({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
    return got


def test_a_whole_answer_in_a_streams_place_comes_in_pieces_no_larger_than_a_streams() -> None:
    """What cannot be cut is refused before any of it is let through."""
    text = "é\u0001" * EVENT_BYTES_MAX
    got = in_a_streams_place({"role": "assistant", "content": text})
    assert "".join(piece.text for piece in got) == text
    assert max(len(piece.data) for piece in got) <= EVENT_BYTES_MAX
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "x" * EVENT_BYTES_MAX}}
    with pytest.raises(BadStream):
        in_a_streams_place({"role": "assistant", "content": None, "tool_calls": [call]})


def test_an_answer_that_is_compressed_unasked_is_told_as_such() -> None:
    """Whoever set the provider up sees why nothing of it can be read."""
    answering = Answering(made(model="m", messages=[]), Target("t", "p", "m"), Source(made(), (), None))  # type: ignore[arg-type]  # nothing comes
    answering.head(200, {"content-type": "application/json", "content-encoding": "gzip"})
    answering.data(gzip.compress(b"{}"))
    with pytest.raises(Unreadable, match="gzip"):
        answering.finish()


def test_tenants_with_long_names_have_folders_of_their_own() -> None:
    """Also those whose names begin alike."""
    names = ["店" * 40 + end for end in ("a", "b")]
    assert len({folder_of(Path("/x"), name) for name in names}) == 2
    assert all(len(folder_of(Path("/x"), name).name) < 250 for name in names)


@pytest.mark.parametrize("text", ["fec0::1", "168.63.129.16", "::ffff:168.63.129.16", "192.88.99.1", "3fff::1", "::ffff:10.0.0.1"])
def test_addresses_that_only_look_public_are_not(text: str) -> None:
    """What `ipaddress` takes for global and a cloud answers from within."""
    assert not is_public(ipaddress.ip_address(text))


def test_a_batch_is_of_calls_that_say_the_same_of_themselves() -> None:
    """It is asked with its first call's headers: whose they are, class of data and cache have to be the same; evaluations are in none."""
    assert {"authorization", "seawall-data-class", "seawall-cache"} <= set(ALIKE)
