"""Prompts over the pipeline: checked, rendered, answered in their own shape, streamed, batched."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import msgspec
from tests.unit.shipped import shipped

from seawall.core.principal import Principal
from seawall.model_proxy.app import ModelProxy
from seawall.model_proxy.cache.exact import ExactCache
from seawall.model_proxy.call import Call, Caller, Target, Usage, Whole
from seawall.model_proxy.edge_out import Out
from seawall.model_proxy.forms import pieces_of
from seawall.model_proxy.http import Request
from seawall.model_proxy.pipeline import Pipeline, Stages
from seawall.model_proxy.prompts.artifacts import ARTIFACTS, numbers_given
from seawall.model_proxy.prompts.batch import Batching
from seawall.model_proxy.prompts.library import Library
from seawall.model_proxy.prompts.service import Prompts
from seawall.model_proxy.stages import AnswerSink

BUNDLE = shipped("merchandising")
QUESTION = {"input": {"question": "How much? {{question}}"}}
FINDING = {"panel": "Net sales", "finding": "GROCERY leads with 48 %", "numbers": ["48 %"], "language": "en"}
KIND = '{"kind":"metric","metrics":["net_sales"]}'


class Models:
    """Knows everybody, and answers with prepared texts."""

    def __init__(self, *texts: str, scopes: tuple[str, ...] = ()) -> None:
        self.texts = list(texts)
        self.scopes = scopes
        self.bodies: list[dict[str, Any]] = []
        self.calls: list[Call] = []

    def known(self, request: Request) -> Caller:
        return Caller(Principal(user="mia", roles=("viewer",), scopes=self.scopes), "f")

    async def find(self, request: Request) -> Caller:
        return self.known(request)

    def candidates(self, call: Call) -> Sequence[Target]:
        return (Target("tiny", "p", "m", output_price=7),)

    async def call(self, call: Call, targets: Sequence[Target], answer: AnswerSink) -> None:
        call.target = targets[0]
        self.calls.append(call)
        call.usage = Usage(call.usage.input + 30, call.usage.output + 20)
        call.cost += 140
        self.bodies.append(json.loads(json.dumps(call.body)))
        message = {"role": "assistant", "content": self.texts.pop(0)}
        usage = {"prompt_tokens": 30, "completion_tokens": 20}
        body = {"id": "c", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}
        if call.stream:
            for piece in pieces_of(body, [5] * 40):
                answer.stream(piece)
        else:
            answer.whole(Whole(body, Usage(30, 20)))


class Line:
    """A client's connection; keeps what it is sent."""

    draining = False

    def __init__(self) -> None:
        self.sent = b""
        self.over = asyncio.Event()

    def put(self, data: bytes) -> None:
        self.sent += data

    def answered(self, keep_alive: bool) -> None:
        self.over.set()

    def cut(self) -> None:
        self.over.set()


def proxy_of(models: Models, **stages: Any) -> ModelProxy:
    pipeline = Pipeline(Stages(identify=models, route=models, caller=Batching(models), **stages))
    return ModelProxy(models, (), pipeline, prompts=Prompts(Library([BUNDLE], ARTIFACTS), pipeline.handle))


async def ask(proxy: ModelProxy, path: str, body: Any = None, method: str = "POST", **headers: str) -> tuple[int, str]:
    line = Line()
    out = Out(line, keep_alive=True, head_only=False)
    sent = {"authorization": "Bearer x"} | {name.replace("_", "-"): value for name, value in headers.items()}
    proxy.handle(Request(method, path, "", sent, json.dumps(body).encode()), out)
    await asyncio.wait_for(line.over.wait(), 5)
    head, _, rest = line.sent.partition(b"\r\n\r\n")
    return int(head.split()[1]), rest.decode()


async def test_a_prompt_is_a_function() -> None:
    """JSON in, JSON out, with what it cost; examples shown, the value marked as data and left alone."""
    models = Models(KIND)
    status, body = await ask(proxy_of(models), "/v1/prompts/merchandising/classify-question", QUESTION)
    answer = json.loads(body)
    assert status == 200
    assert answer["output"] == json.loads(KIND)
    assert {key: answer[key] for key in ("prompt", "variant", "model", "cached", "rounds")} == {
        "prompt": "merchandising/classify-question", "variant": "plain", "model": "tiny", "cached": False, "rounds": 1
    }  # fmt: skip
    assert answer["usage"] == {"input": 30, "output": 20}
    assert answer["cost"] == 140 / 1e9
    messages = models.bodies[0]["messages"]
    assert messages[-1]["content"] == [{"type": "text", "text": "How much? {{question}}", "seawall": {"source": "data"}}]
    assert [message["role"] for message in messages] == ["system", *["user", "assistant"] * 4, "user"]


async def test_an_answer_that_is_shared_names_the_model_that_made_it() -> None:
    """From the cache, and of a call made at the same time: the model, not the name of the route that was asked for."""
    models = Models(KIND)
    pipeline = Pipeline(Stages(identify=models, route=models, caller=models, cache=ExactCache()))
    proxy = ModelProxy(models, (), pipeline, prompts=Prompts(Library([BUNDLE], ARTIFACTS), pipeline.handle))
    path = "/v1/prompts/merchandising/classify-question"
    got = await asyncio.gather(*(ask(proxy, path, QUESTION) for _ in range(2)))
    got.append(await ask(proxy, path, QUESTION))
    got.append(await ask(proxy, path, {**QUESTION, "stream": True}))
    events = [line[6:] for line in got.pop()[1].split("\n") if line.startswith("data: ")]
    told = [json.loads(text) for text in (*(body for _, body in got), events[-2])]
    assert [(one["model"], one["cached"]) for one in told] == [("tiny", False), ("tiny", True), ("tiny", True), ("tiny", True)]
    assert len(models.calls) == 1


async def test_a_prompt_that_says_so_is_asked_every_time() -> None:
    """`cache: false`: neither kept nor shared, whatever its temperature and whatever the client wants."""
    models = Models(KIND, KIND, KIND)
    app = BUNDLE.app
    prompt = msgspec.structs.replace(app.prompts["classify-question"], cache=False)
    bundle = msgspec.structs.replace(BUNDLE, app=msgspec.structs.replace(app, prompts={prompt.name: prompt}))
    pipeline = Pipeline(Stages(identify=models, route=models, caller=models, cache=ExactCache()))
    proxy = ModelProxy(models, (), pipeline, prompts=Prompts(Library([bundle], ARTIFACTS), pipeline.handle))
    path = "/v1/prompts/merchandising/classify-question"
    got = await asyncio.gather(*(ask(proxy, path, QUESTION) for _ in range(2)))
    got.append(await ask(proxy, path, QUESTION, seawall_cache="force"))
    assert [json.loads(body)["cached"] for _, body in got] == [False, False, False]
    assert len(models.calls) == 3


async def test_an_input_that_does_not_fit_is_refused_with_its_place() -> None:
    """OpenAI's shape; `param` is a JSON pointer."""
    for given, param in (
        ({"input": {"question": 3}}, "/input/question"),
        ({"input": {}}, "/input"),
        ({"inputs": {}}, "inputs"),
        ({}, "/input"),
    ):
        status, body = await ask(proxy_of(Models()), "/v1/prompts/merchandising/classify-question", given)
        assert (status, json.loads(body)["error"]["param"]) == (400, param)


async def test_who_may_not_call_it_is_refused() -> None:
    """A key without the scope; a prompt there is not."""
    path = "/v1/prompts/merchandising/classify-question"
    assert (await ask(proxy_of(Models(scopes=("chat",))), path, QUESTION))[0] == 403
    assert (await ask(proxy_of(Models(KIND, scopes=("prompts:merchandising/*",))), path, QUESTION))[0] == 200
    assert (await ask(proxy_of(Models()), "/v1/prompts/merchandising/nothing", QUESTION))[0] == 404


async def test_a_streamed_answer_is_text_and_a_summary() -> None:
    """The text is the output's JSON."""
    _, body = await ask(proxy_of(Models(KIND)), "/v1/prompts/merchandising/classify-question", {**QUESTION, "stream": True})
    events = [line[6:] for line in body.split("\n") if line.startswith("data: ")]
    assert events[-1] == "[DONE]"
    told = [json.loads(event) for event in events[:-1]]
    assert "".join(event.get("text", "") for event in told) == KIND
    assert told[-1]["output"] == json.loads(KIND)
    assert told[-1]["usage"] == {"input": 30, "output": 20}


async def test_an_artifact_check_sends_the_answer_back() -> None:
    """A number that was not given is mended by the next round, which is billed."""
    models = Models('{"sentence":"Grocery leads with 50 %."}', '{"sentence":"Grocery leads with 48 %."}')
    status, body = await ask(proxy_of(models), "/v1/prompts/merchandising/summarise", {"input": FINDING})
    answer = json.loads(body)
    assert status == 200
    assert answer["output"]["sentence"] == "Grocery leads with 48 %."
    assert answer["rounds"] == 2
    assert answer["usage"] == {"input": 60, "output": 40}
    assert "50 was not given" in models.bodies[1]["messages"][-1]["content"]


async def test_the_list_tells_what_the_caller_may_use() -> None:
    """With schemas."""
    _, body = await ask(proxy_of(Models()), "/v1/prompts", method="GET")
    assert [one["id"] for one in json.loads(body)["data"]] == ["merchandising/classify-question", "merchandising/summarise"]
    _, body = await ask(proxy_of(Models(scopes=("prompts:other/*",))), "/v1/prompts", method="GET")
    assert json.loads(body)["data"] == []


def test_numbers_are_the_same_however_they_are_written() -> None:
    """Groups, decimals, trailing zeros; others are named."""
    given = {"numbers": ["1,204,300", 4.5, "48 %", "1.234,50"]}
    assert numbers_given({"sentence": "1.204.300, 4.50 und 48 von 1234.5"}, given) == []
    assert "7" in numbers_given({"sentence": "7 more"}, given)[0]
