"""A broken answer on its way through the pipeline: mended by another round, billed for all of them, or told as an error."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from seawall.core.principal import Principal
from seawall.model_proxy.call import Call, Caller, Target, Usage, Whole
from seawall.model_proxy.edge_out import Out
from seawall.model_proxy.http import Request, Response
from seawall.model_proxy.pipeline import Pipeline, Stages
from seawall.model_proxy.stages import AnswerSink

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}


class Models:
    """Identifies everybody, routes by name and answers with prepared texts."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)
        self.routes: list[str] = []

    def known(self, request: Request) -> Caller:
        return Caller(Principal(user="mia"), "f")

    async def find(self, request: Request) -> Caller:
        return self.known(request)

    def candidates(self, call: Call) -> Sequence[Target]:
        self.routes.append(call.model)
        return (Target("small", "p", "m", output_price=7),)

    async def call(self, call: Call, targets: Sequence[Target], answer: AnswerSink) -> None:
        call.target = targets[0]
        call.usage = Usage(call.usage.input + 3, call.usage.output + 2)
        call.cost += 14
        message = {"role": "assistant", "content": self.texts.pop(0)}
        answer.whole(Whole({"id": "c", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}, Usage(3, 2)))


class Client(Out):
    """Keeps what it is sent."""

    def __init__(self) -> None:
        self.status, self.body = 0, b""
        self.started = self.ended = self.gone = False
        self.over = asyncio.Event()

    def whole(self, status: int, headers: bytes, body: bytes) -> None:
        self.status, self.body, self.started, self.ended = status, body, True, True
        self.over.set()

    def send(self, response: Response) -> None:
        self.whole(response.status, b"", response.body)


async def ask(*texts: str) -> tuple[Client, Models]:
    form = {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": SCHEMA}}
    body = {"model": "mine", "messages": [{"role": "user", "content": "?"}], "response_format": form}
    models, client = Models(*texts), Client()
    pipeline = Pipeline(Stages(identify=models, route=models, caller=models))
    pipeline.handle(Request("POST", "/v1/chat/completions", "", {}, json.dumps(body).encode()), client)
    await asyncio.wait_for(client.over.wait(), 5)
    return client, models


def content(client: Client) -> Any:
    return json.loads(json.loads(client.body)["choices"][0]["message"]["content"])


async def test_a_repair_is_asked_of_the_tiers_and_billed() -> None:
    """The small tier, then the large one; the answer tells the tokens of all three rounds."""
    client, models = await ask('{"m":1}', '{"n":"many"}', '{"n":3}')
    assert client.status == 200
    assert content(client) == {"n": 3}
    assert models.routes == ["mine", "small", "large"]
    assert json.loads(client.body)["usage"]["total_tokens"] == 15


async def test_what_stays_wrong_is_an_error() -> None:
    """502, in OpenAI's shape, without the answer."""
    client, _ = await ask('{"m":1}', '{"m":2}', '{"m":3}')
    assert client.status == 502
    assert json.loads(client.body)["error"]["code"] == "contract_broken"
