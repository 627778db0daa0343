"""Whatever providers do and whenever clients leave: calls end once, nothing stays reserved, what is billed is what was recorded."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.waiting import eventually

from seawall.core.principal import Principal
from seawall.lab.behaviours import Step
from seawall.lab.provider import ProviderSimulator
from seawall.model_proxy.admission.admission import Admission
from seawall.model_proxy.admission.opening import open_admission
from seawall.model_proxy.app import ModelProxy, refusal
from seawall.model_proxy.cache.exact import ExactCache
from seawall.model_proxy.cache.memo import EmbeddingMemo
from seawall.model_proxy.call import Call, Piece, Whole
from seawall.model_proxy.caller import Caller
from seawall.model_proxy.config_load import parse
from seawall.model_proxy.edge import Server
from seawall.model_proxy.identify import Identifier
from seawall.model_proxy.memory_database import ModelMemoryDatabase
from seawall.model_proxy.models import cards
from seawall.model_proxy.pipeline import Pipeline, Stages
from seawall.model_proxy.route.router import Router
from seawall.model_proxy.screen.screen import RequestScreen
from seawall.trust.keys import generate
from seawall.trust.tokens import Tokens

MODELS = """
providers:
  a: {{kind: openai, url: "{a}", allow_private: true, limits: {{connections: 4}}, timeouts: {{first_byte: 300ms, idle: 200ms, total: 1s}}}}
  b: {{kind: openai, url: "{b}", allow_private: true, limits: {{connections: 4}}, timeouts: {{first_byte: 300ms, idle: 200ms, total: 1s}}}}
models:
  small: {{provider: a, model: sim-a, prices: {{input: 1, output: 2}}, limits: {{streams: 50}}}}
  dear: {{provider: b, model: sim-b, tier: large, prices: {{input: 10, output: 20}}}}
  near: {{provider: a, model: sim-e, kind: embedding, dimensions: 384, prices: {{input: 5, output: 0}}}}
routes:
  ask: {{variants: {{small: 100}}, fallback: [dear]}}
  large: {{variants: {{dear: 100}}}}
limits: {{user: {{requests_per_minute: 100000000, tokens_per_minute: 100000000000, streams: 60}}}}
breaker: {{least: 1000000}}
retries: {{wait: 100ms}}
"""
BEHAVES = (
    "", "", "", "usage=0", "status=500", "status=429;retry_after=0", "status=400", "reset=1", "silent=1", "cut_after=0", "cut_after=4",
    "stall_after=4", "malformed=1", "invalid_utf8=1", "duplicate_keys=1", "wrong_schema=1", "token_ms=2", "first_byte_ms=5",
)  # fmt: skip
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}


class Books:
    """A proxy with every stage that counts, and what it recorded."""

    def __init__(self, admission: Admission, caller: Caller, cache: ExactCache, socket: Path, token: str) -> None:
        self.admission, self.caller, self.cache, self.socket, self.token = admission, caller, cache, socket, token
        self.recorded: list[Call] = []
        self.begun = 0

    def record(self, call: Call, answer: Whole | None, text: str, pieces: Sequence[Piece] = ()) -> None:
        """Remember it."""
        self.recorded.append(call)

    async def ask(self, chance: random.Random) -> None:
        """One call, whose client may leave at any moment."""
        path, body = asked(chance)
        content = msgspec.json.encode(body)
        head = f"POST /v1/{path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {self.token}\r\ncontent-length: {len(content)}\r\n\r\n"
        reader, writer = await asyncio.open_unix_connection(str(self.socket))
        writer.write(head.encode() + content)
        self.begun += 1
        stay = chance.choice((3.0, 3.0, 0.2, 0.02, 0.005, 0.001))
        try:
            async with asyncio.timeout(stay):
                while not ended(await reader.read(1 << 16)):
                    pass
        except TimeoutError:
            await asyncio.sleep(0.001)  # at the least it has arrived
        finally:
            writer.transport.abort()


def asked(chance: random.Random) -> tuple[str, dict[str, Any]]:
    """A request of any kind."""
    if chance.random() < 0.2:
        return "embeddings", {"model": "near", "input": [f"text {chance.randrange(9)}", "text"]}
    body: dict[str, Any] = {"model": "ask", "messages": [{"role": "user", "content": f"hello {chance.randrange(5)}"}]}
    body |= chance.choice(({}, {"stream": True}, {"stream": True, "n": 2}, {"n": 2}))
    if "n" not in body and chance.random() < 0.3:
        body["response_format"] = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": SCHEMA}}
    return "chat/completions", body | chance.choice(({}, {"temperature": 0}))


def ended(data: bytes) -> bool:
    """Whether an answer's last bytes are among these: of a stream, or of a whole one that came at once."""
    return not data or data.endswith(b"0\r\n\r\n") or (b"content-length" in data and data.endswith(b"}"))


@asynccontextmanager
async def books(folder: Path, chance: random.Random) -> AsyncIterator[Books]:
    """Behind two providers that change their ways with every request."""
    simulators = {name: ProviderSimulator() for name in "ab"}
    urls = {name: await simulator.listen() for name, simulator in simulators.items()}
    for simulator in simulators.values():
        simulator.follow(Step(chance.choice(BEHAVES)) for _ in range(900))
    config, faults = parse(MODELS.format(**urls).encode(), "models.yaml")
    assert config is not None, faults
    tokens, database, plain = Tokens(generate()), ModelMemoryDatabase(), Router(config)
    admission = open_admission(config, plain.routes, "books", database=database, valkey=None, journal=None)
    await admission.start()
    caller = Caller(config, run=folder, environment={}, memo=EmbeddingMemo(), move=admission.move)
    cache = ExactCache(config.cache)
    made = Books(admission, caller, cache, folder / "p.sock", tokens.mint(Principal(user="mia"), 600))
    identifier = Identifier(tokens, database)
    stages = Stages(
        identify=identifier, admit=admission, screen=RequestScreen(config.screen, b"k" * 32), cache=cache,
        route=Router(config, may=admission.may), caller=caller, start=caller.start, record=made,
    )  # fmt: skip
    server = Server(ModelProxy(identifier, cards(config), Pipeline(stages)).handle, refusal)
    await server.listen(made.socket)
    try:
        yield made
    finally:
        await server.drain(0.1)
        caller.close()
        await admission.close()
        for simulator in simulators.values():
            await simulator.close()


@pytest.mark.parametrize("seed", range(3))
async def test_nothing_stays_reserved_and_nothing_is_billed_twice(tmp_path: Path, seed: int) -> None:
    """Two hundred calls, forty at once."""
    chance = random.Random(seed)
    async with books(tmp_path, chance) as made:
        for _ in range(5):
            await asyncio.gather(*(made.ask(chance) for _ in range(40)))
            made.cache.clear()
        await eventually(lambda: len(made.recorded) >= made.begun)
        assert len({call.id for call in made.recorded}) == len(made.recorded) == made.begun
        assert not any(lease.held for lease in made.admission._desk._leases.values())
        lanes = [made.caller.lane(name) for name in ("small", "dear", "near")]
        assert not any(lane.way.queue.busy or lane.way.queue.waiting for lane in lanes)
        [wallet] = made.admission._treasury._wallets.values()
        allotments = [one for one in (wallet.allotment, *wallet.retired) if one is not None]
        assert sum(one.in_flight for one in allotments) == 0
        assert sum(one.used for one in allotments) == sum(call.cost for call in made.recorded) > 0
        assert {call.error for call in made.recorded} >= {"", "cancelled", "provider-failed"}
