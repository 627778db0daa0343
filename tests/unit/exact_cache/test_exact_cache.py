"""The exact cache: what is kept, in which forms it is given back, and for how long."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.exact_cache.calls import COMPLETION, a_call
from tests.waiting import eventually

from seawall.core.clock import ManualClock
from seawall.model_proxy.cache.answers import Answer, events_of
from seawall.model_proxy.cache.bounded import BoundedCache
from seawall.model_proxy.cache.exact import ExactCache
from seawall.model_proxy.cache.memo import EmbeddingMemo, TemplateMemo
from seawall.model_proxy.cache.shared import SharedAnswers
from seawall.model_proxy.call import Call, Usage, Whole
from seawall.model_proxy.config import CacheSettings
from seawall.model_proxy.forms import body_of, pieces_of
from seawall.store.memory_valkey import MemoryValkey
from seawall.trust.encryption import Sealer


def answered(cache: ExactCache, call: Call, body: dict[str, Any] = COMPLETION, *, stream: bool = False) -> None:
    assert cache.look(call) is None
    flight = cache.begin(call)
    if stream:
        for piece in pieces_of(body):
            flight.piece(piece)
        flight.finish()
    else:
        flight.whole(Whole(body, Usage(9, 3)))


def hit(cache: ExactCache, call: Call) -> Answer:
    found = cache.look(call)
    assert isinstance(found, Answer)
    assert call.served == "cache"
    return found


@pytest.mark.parametrize("stream", [False, True])
def test_one_entry_serves_both_forms(stream: bool) -> None:
    """Whichever was recorded, both are given back, with the usage for who asks for it."""
    cache = ExactCache()
    answered(cache, a_call(), stream=stream)
    answer = hit(cache, a_call(user="bob"))
    assert msgspec.json.decode(answer.whole()) == COMPLETION
    with_usage, without = answer.stream(usage=True), answer.stream(usage=False)
    assert body_of(events_of(with_usage)) == COMPLETION
    assert b"prompt_tokens" not in without
    assert without.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("finish", ["length", "content_filter", None])
@pytest.mark.parametrize("stream", [False, True])
def test_answers_that_are_not_complete_are_not_kept(finish: str | None, stream: bool) -> None:
    """Cut at the length, by a filter, or for no known reason."""
    cache, body = ExactCache(), {**COMPLETION, "choices": [{**COMPLETION["choices"][0], "finish_reason": finish}]}
    answered(cache, a_call(), body, stream=stream)
    assert cache.look(a_call()) is None


def test_errors_are_not_kept() -> None:
    """Neither by status nor by content."""
    cache = ExactCache()
    for answer in (Whole(COMPLETION, status=500), Whole({"error": {"message": "no"}})):
        call = a_call()
        assert cache.look(call) is None
        cache.begin(call).whole(answer)
    assert cache.look(a_call()) is None


def test_answers_live_for_their_time_and_no_longer() -> None:
    """Then they are asked for anew; no-cache asks anew at once and keeps what came."""
    clock = ManualClock()
    cache = ExactCache(CacheSettings(ttl=60), clock=clock)
    answered(cache, a_call())
    clock.advance(59)
    hit(cache, a_call())
    answered(cache, a_call(headers={"seawall-cache": "no-cache"}))
    clock.advance(59)
    hit(cache, a_call())
    clock.advance(2)
    assert cache.look(a_call()) is None


@pytest.mark.parametrize(("seconds", "found"), [(9, True), (11, False)])
async def test_what_another_process_has_is_held_to_our_own_time(seconds: int, found: bool) -> None:
    """It may have been told to keep answers for longer."""
    clock, store = ManualClock(), MemoryValkey()
    one, two = (
        ExactCache(CacheSettings(ttl=ttl), SharedAnswers(store, Sealer(bytes(32)), ttl_seconds=60), clock=clock) for ttl in (60, 10)
    )
    answered(one, a_call())
    await eventually(lambda: any(name.endswith(":answer") for name in store._values))
    clock.advance(seconds)
    call = a_call()
    assert two.look(call) is None
    two.begin(call)
    assert (await two.fetch(call) is not None) is found
    await one.close()
    await two.close()


def test_the_cache_can_be_off() -> None:
    """A time of zero: no key, so nothing is kept or shared."""
    call = a_call()
    assert ExactCache(CacheSettings(ttl=0)).look(call) is None
    assert call.cache_key is None


def test_a_toggle_is_seen_by_the_next_call() -> None:
    """The live table's version is part of the key."""
    version = ["1"]
    cache = ExactCache(routing=lambda _: version[0])
    answered(cache, a_call())
    version[0] = "2"
    assert cache.look(a_call()) is None
    version[0] = "1"
    hit(cache, a_call())


async def test_what_is_in_valkey_is_sealed_and_bound_to_its_key() -> None:
    """It cannot be read, and moved to another key it does not open."""
    store = MemoryValkey()
    one, two = (ExactCache(shared=SharedAnswers(store, Sealer(bytes(32)), ttl_seconds=60)) for _ in range(2))
    answered(one, a_call())
    await eventually(lambda: any(name.endswith(":answer") for name in store._values))
    [(sealed, until)] = [value for name, value in store._values.items() if name.endswith(":answer")]
    assert b"Fifty" not in sealed
    other = a_call({"messages": [], "temperature": 0})
    assert two.look(other) is None
    flight = two.begin(other)
    store._values[f"seawall:{{{flight.key.hex()}}}:answer"] = (sealed, until)
    assert await two.fetch(other) is None
    await one.close()
    await two.close()


@given(st.lists(st.tuples(st.integers(0, 29), st.integers(0, 3000) | st.integers(1200, 1537)), max_size=60))
def test_the_bound_in_bytes_holds(puts: list[tuple[int, int]]) -> None:
    """Whatever is put, the room is never exceeded and the sum is right."""
    cache: BoundedCache[int] = BoundedCache(16_384)
    for number, size in puts:
        cache.put(bytes([number]), size, size)
        assert cache.bytes <= 16_384
        assert (cache.get(bytes([number])) == size) == ((size + 512) * 8 <= 16_384)
    for number in range(30):
        cache.drop(bytes([number]))
    assert (cache.bytes, len(cache)) == (0, 0)


def test_embeddings_are_remembered_by_text_for_each_tenant() -> None:
    """Another tenant, model or version starts anew."""
    memo = EmbeddingMemo()
    memo.keep("acme", "minilm", "1", ["a", "b"], [b"\0" * 8, b"\1" * 8])
    assert memo.find("acme", "minilm", "1", ["b", "c"]) == [b"\1" * 8, None]
    for place in (("other", "minilm", "1"), ("acme", "other", "1"), ("acme", "minilm", "2")):
        assert memo.find(*place, ["a"]) == [None]
    assert 0 < memo.kept_bytes < 2000


def test_templates_are_rendered_once() -> None:
    """For each version of the prompt and each input."""
    memo: TemplateMemo[str] = TemplateMemo()
    made: list[int] = []

    def render() -> str:
        made.append(1)
        return "text"

    for given_input in ({"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 2}):
        assert memo.render("v", given_input, render) == "text"
    assert len(made) == 2
