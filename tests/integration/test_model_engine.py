"""The models that ship with Seawall, run for real: one process-wide llama.cpp on a unix socket, one ONNX session."""

from __future__ import annotations

import asyncio
import base64
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import msgspec
import pytest

from seawall.core.errors import ConfigurationError
from seawall.model_proxy.edge import Server
from seawall.model_proxy.embedded import llama
from seawall.model_proxy.embedded.engine import Engine, refusal

CATEGORY = {
    "type": "object",
    "properties": {"category": {"enum": ["complaint", "praise", "question"]}},
    "required": ["category"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def loaded() -> dict[Path, object]:
    """Servers of llama.cpp by socket; each lives as long as the module."""
    return {}


@pytest.fixture(scope="module")
def folder() -> AsyncIterator[Path]:
    """A short path for sockets."""
    with TemporaryDirectory(prefix="sw-en-", dir="/tmp") as made:
        yield Path(made)


@pytest.fixture
async def engine(folder: Path, loaded: dict[Path, object]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an engine whose model stays loaded between tests."""

    def serve(socket: Path) -> object:
        if socket not in loaded:
            loaded[socket] = llama.serve(socket)
        return loaded[socket]

    made = Engine(folder / "llama.sock", serve=serve)
    server = Server(made.handle, refusal, body_bytes_max=8 << 20)
    await server.listen(folder / "engine.sock")
    transport = httpx.AsyncHTTPTransport(uds=str(folder / "engine.sock"))
    async with httpx.AsyncClient(transport=transport, base_url="http://engine", timeout=60) as client:
        yield client
    await server.drain(1)
    made.close()


async def test_it_answers_a_chat_the_same_way_twice(engine) -> None:
    """Temperature 0 is deterministic, and says how many tokens it took."""
    asked = {"messages": [{"role": "user", "content": "Say hello in three words."}], "max_tokens": 12, "temperature": 0}
    first, second = [(await engine.post("/v1/chat/completions", json=asked)).json() for _ in range(2)]
    assert first["choices"][0]["message"]["content"] == second["choices"][0]["message"]["content"] != ""
    assert first["usage"]["completion_tokens"] > 0
    assert first["model"] == llama.MODEL


async def test_what_begins_alike_is_read_once(engine) -> None:
    """The second question after the same long preface finds it in the model's cache."""
    preface = {"role": "system", "content": "You classify what customers of a grocer write. " * 12}
    for words in ("The milk was sour.", "The bread is great."):
        asked = {"messages": [preface, {"role": "user", "content": words}], "max_tokens": 1, "temperature": 0}
        answer = (await engine.post("/v1/chat/completions", json=asked)).json()
    assert answer["usage"]["prompt_tokens_details"]["cached_tokens"] > 60


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
async def test_an_answer_is_no_longer_than_what_was_reserved(engine, name: str) -> None:
    """By either of OpenAI's names, whatever llama.cpp calls it."""
    asked = {"messages": [{"role": "user", "content": "Tell me a story."}], name: 5, "n_predict": 40, "ignore_eos": True, "temperature": 0}
    answer = (await engine.post("/v1/chat/completions", json=asked)).json()
    assert answer["usage"]["completion_tokens"] == 5


async def test_an_answer_keeps_its_schema(engine) -> None:
    """The grammar is enforced while tokens are drawn."""
    form = {"type": "json_schema", "json_schema": {"name": "c", "strict": True, "schema": CATEGORY}}
    asked = {"messages": [{"role": "user", "content": "The milk was sour!"}], "max_tokens": 40, "temperature": 0, "response_format": form}
    answer = (await engine.post("/v1/chat/completions", json=asked)).json()
    assert msgspec.json.decode(answer["choices"][0]["message"]["content"])["category"] in ("complaint", "praise", "question")


async def test_it_streams(engine) -> None:
    """Pieces come one by one, in OpenAI's form, and end with [DONE]."""
    asked = {"messages": [{"role": "user", "content": "Count to three."}], "max_tokens": 12, "stream": True}
    async with engine.stream("POST", "/v1/chat/completions", json=asked) as answer:
        lines = [line async for line in answer.aiter_lines() if line]
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert len(lines) > 3
    assert lines[-1] == "data: [DONE]"


async def test_nobody_computes_for_a_client_that_left(engine) -> None:
    """A long answer is given up with its client: the next call does not wait for it."""
    long = {"messages": [{"role": "user", "content": "Write a very long story."}], "max_tokens": 3000, "stream": True, "ignore_eos": True}
    async with engine.stream("POST", "/v1/chat/completions", json=long) as answer:
        await anext(answer.aiter_lines())
    await asyncio.sleep(0.3)
    asked = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2}
    slots = [engine.post("/v1/chat/completions", json=asked) for _ in range(llama.SLOTS)]
    assert [one.status_code for one in await asyncio.wait_for(asyncio.gather(*slots), 20)] == [200] * llama.SLOTS


async def test_texts_become_vectors_in_either_form(engine) -> None:
    """Numbers, or the base64 that OpenAI's SDKs ask for; like texts are near each other."""
    texts = ["sales of milk", "revenue from dairy", "the train was late"]
    numbers = (await engine.post("/v1/embeddings", json={"input": texts})).json()
    packed = (await engine.post("/v1/embeddings", json={"input": texts, "encoding_format": "base64"})).json()
    milk, dairy, train = (one["embedding"] for one in numbers["data"])
    assert sum(a * b for a, b in zip(milk, dairy, strict=True)) > sum(a * b for a, b in zip(milk, train, strict=True))
    assert struct.unpack("<384f", base64.b64decode(packed["data"][0]["embedding"])) == pytest.approx(milk)
    assert numbers["usage"]["prompt_tokens"] > 9


async def test_vectors_are_as_long_as_the_model_makes_them(engine) -> None:
    """A caller that asks for another length is told, rather than given what it did not ask for."""
    for dimensions, status in ((384, 200), (None, 200), (256, 400), (1024, 400)):
        answer = await engine.post("/v1/embeddings", json={"input": "milk", "dimensions": dimensions})
        assert answer.status_code == status
    error = answer.json()["error"]
    assert error["param"] == "dimensions"
    assert "have 384 numbers" in error["message"]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"input":[]}', b'{"input":[1]}', b'{"input":""}'])
async def test_what_cannot_be_embedded_is_refused(engine, body: bytes) -> None:
    """With a sentence, in OpenAI's form."""
    answer = await engine.post("/v1/embeddings", content=body)
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_a_model_that_is_not_installed_is_named(monkeypatch) -> None:
    """With the command that installs it."""
    monkeypatch.setattr(llama, "PACKAGE", "no_such_package")
    with pytest.raises(ConfigurationError, match=r"models\.lock"):
        llama.weights()
