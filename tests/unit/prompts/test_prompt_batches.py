"""Calls of a prompt that come at once: asked as one, each with everything it would have alone."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.exact_cache.calls import a_call
from tests.unit.prompts.test_prompt_service import FINDING, Line, Models, ask, proxy_of
from tests.waiting import eventually

from seawall.model_proxy.app import ModelProxy
from seawall.model_proxy.cache.exact import ExactCache
from seawall.model_proxy.call import Attempt, Call, Piece, Target, Usage, Whole
from seawall.model_proxy.edge_out import Out
from seawall.model_proxy.errors import BadCall, ProviderFailed
from seawall.model_proxy.exchanges.cassettes import Cassettes
from seawall.model_proxy.exchanges.evaluation import Evaluation
from seawall.model_proxy.http import Request
from seawall.model_proxy.prompts import batch
from seawall.model_proxy.screen.masks import Masks
from seawall.model_proxy.screen.screen import RequestScreen
from seawall.model_proxy.screen.settings import Output, Screening
from seawall.model_proxy.stages import AnswerSink

PATH = "/v1/prompts/merchandising/summarise"


def answers(*sentences: str) -> str:
    return json.dumps({"answers": [{"sentence": sentence} for sentence in sentences]})


async def asked(proxy: ModelProxy, *panels: str, **more: str) -> list[Any]:
    """What calls that come at once are answered."""
    got = await asyncio.gather(*(ask(proxy, PATH, {"input": {**FINDING, "panel": panel}}, **more) for panel in panels))
    return [json.loads(body) for _, body in got]


def said(got: list[Any]) -> list[str]:
    return [one["output"]["sentence"] for one in got]


def panels_of(body: dict[str, Any]) -> list[str]:
    """The panels a model was asked about together."""
    return [text.split("\n")[0].removeprefix("Panel: ") for text in json.loads(body["messages"][-1]["content"][1]["text"])]


async def test_calls_at_once_are_one_call_and_a_bad_item_is_mended_alone() -> None:
    """Three inputs, one model call; the second's answer is asked for again, and each pays its part."""
    models = Models(
        answers("Grocery has 48 % of sales.", "Wrong by 99 percent.", "Again it is 48 %."), '{"sentence":"Alone it is 48 % now."}'
    )
    got = await asked(proxy_of(models), "One", "Two", "Three")
    assert said(got) == ["Grocery has 48 % of sales.", "Alone it is 48 % now.", "Again it is 48 %."]
    assert len(models.bodies) == 2
    assert panels_of(models.bodies[0]) == ["One", "Two", "Three"]
    assert "99 was not given" in models.bodies[1]["messages"][-1]["content"]
    assert [one["usage"] for one in got] == [{"input": 10, "output": 6}, {"input": 40, "output": 27}, {"input": 10, "output": 7}]
    assert round(sum(one["cost"] for one in got) * 1e9) == 280


async def test_a_batch_asks_only_for_what_is_not_known() -> None:
    """What one batch was answered the next one has, whoever else is in it; so has a call that comes alone, and the other way round."""
    alone = '{"sentence":"Four has 48 %."}'
    models = Models(
        answers("One has 48 %.", "Two has 48 %."), alone, '{"sentence":"Three has 48 %."}', answers("Five has 48 %.", "Six has 48 %.")
    )
    proxy = proxy_of(models, cache=ExactCache())
    assert said(await asked(proxy, "One", "Two")) == ["One has 48 %.", "Two has 48 %."]
    assert said(await asked(proxy, "Four")) == ["Four has 48 %."]
    got = await asked(proxy, "Two", "Three", "One", "Four")
    assert said(got) == ["Two has 48 %.", "Three has 48 %.", "One has 48 %.", "Four has 48 %."]
    assert [one["cached"] for one in got] == [True, False, True, True]
    assert said(await asked(proxy, "One", "Five", "Six")) == ["One has 48 %.", "Five has 48 %.", "Six has 48 %."]
    assert all("array" not in json.dumps(body) for body in models.bodies[1:3])
    assert panels_of(models.bodies[3]) == ["Five", "Six"]


async def test_equal_inputs_of_a_batch_are_asked_once() -> None:
    """Three calls, two inputs: two answers, and everybody has theirs."""
    models = Models(answers("Grocery has 48 % of sales.", "Again it is 48 %."))
    got = await asked(proxy_of(models, cache=ExactCache()), "One", "Two", "One")
    assert said(got) == ["Grocery has 48 % of sales.", "Again it is 48 %.", "Grocery has 48 % of sales."]
    assert panels_of(models.bodies[0]) == ["One", "Two"]


async def test_each_item_is_screened_by_itself() -> None:
    """What is masked in one is put back in its answer, and in no other's."""
    masks: list[str] = []

    class Echo(Models):
        async def call(self, call: Call, targets: Sequence[Target], answer: AnswerSink) -> None:
            texts = json.loads(call.body["messages"][-1]["content"][1]["text"])
            masks.extend(text.split("write to ")[1].split("\n")[0] for text in texts)
            self.texts = [answers(f"Write to {masks[0]} soon.", f"Write to {masks[0]} soon.")]
            await super().call(call, targets, answer)

    key = b"k" * 32
    names = (f"{one}{two}@x.example" for one in "abcdefghijkl" for two in "abcdefghijkl")
    first, second, *_ = (name for name in names if Masks(key).placeholder("pii.email", name).replace("_", "").strip("[]").isalpha())
    screen = RequestScreen(Screening(pii="mask", output=Output(secrets="off", prompt="off")), key)
    got = await asked(proxy_of(Echo(), screen=screen), f"write to {first}", f"write to {second}")
    assert all("@" not in mask for mask in masks)
    assert masks[0] != masks[1]
    assert said(got) == [f"Write to {first} soon.", f"Write to {masks[0]} soon."]


@pytest.mark.parametrize("failing", ["too long", "no array"])
async def test_a_batch_that_cannot_be_answered_as_one_is_asked_one_by_one(failing: str) -> None:
    """It is too much for the model, or the model says something else; what that took is billed."""

    class Refuses(Models):
        async def call(self, call: Call, targets: Sequence[Target], answer: AnswerSink) -> None:
            if len(self.calls) == 0 and failing == "too long":
                self.calls.append(call)
                raise BadCall("The provider refuses the request: too long")
            await super().call(call, targets, answer)

    models = Refuses(*(["Sorry."] if failing == "no array" else []), '{"sentence":"One has 48 %."}', '{"sentence":"Two has 48 %."}')
    got = await asked(proxy_of(models), "One", "Two")
    assert said(got) == ["One has 48 %.", "Two has 48 %."]
    assert len(models.calls) == 3
    assert got[0]["cost"] == (210 if failing == "no array" else 140) / 1e9


async def test_a_provider_that_fails_a_batch_is_not_asked_again_by_each() -> None:
    """Every call is told what went wrong."""

    class Fails(Models):
        async def call(self, call: Call, targets: Sequence[Target], answer: AnswerSink) -> None:
            self.calls.append(call)
            raise ProviderFailed("The provider p failed")

    models = Fails()
    got = await asked(proxy_of(models), "One", "Two")
    assert [one["error"]["code"] for one in got] == ["provider_failed"] * 2
    assert len(models.calls) == 1


async def test_evaluations_are_never_batched(tmp_path: Path) -> None:
    """What was recorded at once is found one by one: a cassette does not know what else was asked at the moment."""
    sentences = [json.dumps({"sentence": f"{word}, 48 % of sales."}) for word in ("Grocery leads", "It leads", "Leading")]
    evaluation = Evaluation(Cassettes(tmp_path))
    proxy = proxy_of(Models(*sentences, scopes=("eval", "prompts:*")), evaluation=evaluation)
    got = await asked(proxy, "One", "Two", "Three", seawall_lane="eval", seawall_snapshot="record")
    await evaluation.close()
    again = [(await asked(proxy, panel, seawall_lane="eval", seawall_snapshot="require"))[0] for panel in ("One", "Two", "Three")]
    assert said(again) == said(got)


async def test_a_batch_that_nobody_waits_for_is_given_up() -> None:
    """While one client waits the model goes on; once the last has vanished it is cancelled."""

    class Slow(Models):
        ended = ""

        async def call(self, call: Call, targets: Sequence[Target], answer: AnswerSink) -> None:
            self.calls.append(call)
            try:
                await asyncio.sleep(30)
            except asyncio.CancelledError:
                self.ended = "cancelled"
                raise

    models = Slow()
    proxy, outs = proxy_of(models), [Out(Line(), keep_alive=True, head_only=False) for _ in range(3)]
    for number, out in enumerate(outs):
        body = json.dumps({"input": {**FINDING, "panel": f"Panel {number}"}}).encode()
        proxy.handle(Request("POST", PATH, "", {"authorization": "Bearer x"}, body), out)
    await eventually(lambda: models.calls)
    for out, ended in zip(outs, ("", "", "cancelled"), strict=True):
        out.lost()
        await asyncio.sleep(0.01)
        assert models.ended == ended


@pytest.mark.parametrize(
    ("sent", "spent", "bill"),
    [
        (False, Usage(), Usage()),  # in line for its provider, or between attempts
        (False, Usage(31, 9), Usage(15, 4)),  # between attempts, of which one was billed
        (True, Usage(), Usage(35, estimated=True)),  # the provider works on it
        (True, Usage(31, 9), Usage(50, 4, estimated=True)),
    ],
)
async def test_who_leaves_a_batch_pays_for_what_was_used_until_then(sent: bool, spent: Usage, bill: Usage) -> None:
    """Its part of attempts that ended, and what it sent where one is under way; later ones are not put on its bill."""

    class Waits(Models):
        async def call(self, call: Call, targets: Sequence[Target], answer: AnswerSink) -> None:
            call.attempts.append(Attempt("tiny", 503, "provider-failed", 1.0))
            call.target, call.usage, call.sent_ns = targets[0], spent, int(sent)
            self.calls.append(call)
            await going_on.wait()
            await super().call(call, targets, answer)

        def record(self, call: Call, answer: Whole | None, text: str, pieces: Sequence[Piece] = ()) -> None:
            recorded.append(call)

    going_on, recorded = asyncio.Event(), list[Call]()
    models = Waits(answers("One has 48 %.", "Two has 48 %."))
    lines, body = [Line(), Line()], b'{"input":%b}'
    outs = [Out(line, keep_alive=True, head_only=False) for line in lines]
    proxy = proxy_of(models, record=models)
    for panel, out in zip(("One", "Two"), outs, strict=True):
        asked = body % json.dumps({**FINDING, "panel": panel, "finding": "x" * 60}).encode()
        proxy.handle(Request("POST", PATH, "", {"authorization": "Bearer x"}, asked), out)
    await eventually(lambda: models.calls)
    outs[0].lost()
    await eventually(lambda: recorded)
    going_on.set()
    await eventually(lambda: len(recorded) == 2)
    assert [one.error for one in recorded] == ["cancelled", ""]
    assert (recorded[0].usage, len(recorded[0].attempts)) == (bill, 1)


@pytest.mark.parametrize("first", ["answer", "client"])
async def test_who_leaves_in_the_turn_the_answer_comes_pays_its_part_once(first: str) -> None:
    """Whether the answer or the client is a moment earlier: no part is billed twice, and none to nobody."""

    class Waits(Models):
        async def call(self, call: Call, targets: Sequence[Target], answer: AnswerSink) -> None:
            call.target, call.sent_ns = targets[0], 1
            self.calls.append(call)
            await going_on.wait()
            call.attempts.append(Attempt("tiny", 200, "", 1.0))
            await super().call(call, targets, answer)

        def record(self, call: Call, answer: Whole | None, text: str, pieces: Sequence[Piece] = ()) -> None:
            recorded.append(call)

    going_on, recorded = asyncio.Event(), list[Call]()
    models = Waits(answers("One has 48 %.", "Two has 48 %."))
    proxy, outs = proxy_of(models, record=models), [Out(Line(), keep_alive=True, head_only=False) for _ in range(2)]
    for panel, out in zip(("One", "Two"), outs, strict=True):
        body = b'{"input":%b}' % json.dumps({**FINDING, "panel": panel}).encode()
        proxy.handle(Request("POST", PATH, "", {"authorization": "Bearer x"}, body), out)
    await eventually(lambda: models.calls)
    leave = functools.partial(asyncio.get_running_loop().call_soon, outs[0].lost)
    for happens in (going_on.set, leave) if first == "answer" else (leave, going_on.set):
        happens()
    await eventually(lambda: len(recorded) == 2)
    assert [(one.error, len(one.attempts), one.usage.estimated) for one in recorded] == [("cancelled", 1, False), ("", 1, False)]
    assert sum(one.usage.input for one in recorded) == models.calls[0].usage.input
    assert sum(one.cost for one in recorded) == models.calls[0].cost > 0


JSON = st.recursive(st.none() | st.text(max_size=9) | st.integers(-9, 9), lambda inner: st.lists(inner, max_size=3), max_leaves=4)


@given(st.lists(JSON, min_size=2, max_size=16), st.integers(0, 10**6))
def test_an_answer_is_taken_apart_as_it_was_put_together(items: list[Any], total: int) -> None:
    """Any JSON, in order; what it took is what its parts took."""
    calls = [a_call() for _ in items]
    spent = a_call()
    spent.usage, spent.cost = Usage(total, total // 3), total * 7
    batch._bill(spent, calls, calls)
    message = {"role": "assistant", "content": json.dumps({"answers": items})}
    parts = batch.parted(Whole({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}), calls)
    assert [json.loads(part.body["choices"][0]["message"]["content"]) for part in parts if part] == items
    assert (sum(call.usage.input for call in calls), sum(call.cost for call in calls)) == (total, total * 7)
