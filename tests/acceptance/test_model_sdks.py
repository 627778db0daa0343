"""The SDKs people have, unmodified, against an instance whose models are at a simulated provider.

Each runs in a process of its own, from environments of its own (`tests/sdks`), with nothing but an address and a key.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator

import pytest
from tests.acceptance.conftest import COMMAND, ROOT, Seawall, provided

SDKS = ROOT / "tests" / "sdks"
PYTHON = ROOT / ".venv" / "sdks" / "bin" / "python"
SECONDS_MAX = 300
MODELS = """
providers:
  sim: {{kind: openai, url: "unix://{socket}", allow_private: true, timeouts: {{first_byte: 5s}}}}
models:
  good: {{provider: sim, model: sim-small}}
  vectors: {{provider: sim, model: sim-embed, kind: embedding, dimensions: 384}}
  busy: {{provider: sim, model: "sim;status=429;retry_after=7"}}
  broken: {{provider: sim, model: "sim;status=500"}}
  slow: {{provider: sim, model: "sim;first_byte_ms=3000"}}
  slow-tokens: {{provider: sim, model: "sim;token_ms=200"}}
  shaky: {{provider: sim, model: "sim;status=503;times=3"}}
  shaky-too: {{provider: sim, model: "sim-too;status=503;times=3"}}
  cut: {{provider: sim, model: "sim;cut_after=3"}}
routes:
  small: {{variants: {{good: 100}}}}
  large: {{variants: {{good: 100}}}}
  embed: {{variants: {{vectors: 100}}}}
"""


@pytest.fixture(scope="module")
def house() -> Iterator[Seawall]:
    """An instance and its provider."""
    with provided(MODELS) as made:
        yield made


@pytest.fixture(scope="module")
def key(house: Seawall) -> str:
    """A machine key, as its user is shown it."""
    argv = (*COMMAND, "key", "create", "sdk-tests", "--json", "--data", str(house.data))
    return json.loads(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)["key"]


@pytest.fixture(scope="module")
def run(house: Seawall, key: str):
    """`run(script, …)`: a script in `tests/sdks`, with the address and the key in its environment; what it told."""

    def told(script: str, *arguments: str) -> dict:
        program = str(PYTHON) if script.endswith(".py") else "node"
        environment = os.environ | {"OPENAI_BASE_URL": f"{house.url}/v1", "OPENAI_API_KEY": key}
        argv = (program, str(SDKS / script), *arguments)
        done = subprocess.run(argv, capture_output=True, text=True, timeout=SECONDS_MAX, check=False, env=environment, cwd=SDKS)
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout)

    return told


def test_openai_for_python_asks_and_streams(run) -> None:
    """The same text in pieces and (kept from there) whole, usage in both, a request id, and eight streams at once."""
    told = run("openai_python.py", "streamed", "plain", "concurrently")
    assert told["plain"]["text"] == told["streamed"]["text"] != ""
    assert told["plain"]["usage"] == told["streamed"]["usage"] > 0
    assert told["plain"]["request_id"]
    assert told["streamed"]["pieces"] > 3
    assert len(set(told["concurrently"])) == 8


def test_openai_for_python_gets_types_and_tools(run) -> None:
    """Parsed objects, whole and streamed; a tool's call and what is said after it."""
    told = run("openai_python.py", "structured", "structured_stream", "tools")
    for review in (told["structured"], told["structured_stream"]["parsed"]):
        assert (set(review), review["mood"] in ("good", "bad")) == ({"mood", "stars", "words"}, True)
    assert told["structured_stream"]["deltas"] > 1
    assert told["tools"]["city"]
    assert told["tools"]["finish"] == "tool_calls"
    assert told["tools"]["then"]


def test_openai_for_python_embeds_and_lists(run) -> None:
    """Vectors come as base64, as the SDK asks for them."""
    told = run("openai_python.py", "embeddings", "models")
    assert told["embeddings"] == {"count": 2, "dimensions": 384, "tokens": told["embeddings"]["tokens"]}
    assert {"small", "large", "embed"} <= set(told["models"])


def test_openai_for_python_raises_what_its_users_catch(run) -> None:
    """Each fault is the exception the SDK has for it, with its code and whether to wait."""
    faults = run("openai_python.py", "faults")["faults"]
    assert faults["unknown model"][:3] == ["NotFoundError", 404, "model_not_found"]
    assert faults["wrong key"][:2] == ["AuthenticationError", 401]
    assert faults["bad parameter"][:4] == ["BadRequestError", 400, "invalid_request", "temperature"]
    assert faults["busy provider"][:2] == ["RateLimitError", 429]
    assert int(faults["busy provider"][4]) > 0
    assert faults["broken provider"][0] == "InternalServerError"
    assert faults["slow provider"] == ["APITimeoutError"]


def test_openai_for_python_tries_again_and_sees_cuts(run) -> None:
    """What fails once is answered at the second try; what breaks off is no answer."""
    told = run("openai_python.py", "retried", "cut")
    assert told["retried"]
    assert told["cut"] != "ended as if whole"


def test_openai_for_javascript(run) -> None:
    """Plain, streamed, structured, tools, embeddings, faults, retries and an abort."""
    told = run("openai_node.mjs")
    assert told["plain"] == told["streamed"]["text"] != ""
    assert told["streamed"]["pieces"] > 3
    assert set(told["structured"]) == {"stars", "mood"}
    assert told["tools"]
    assert told["embeddings"] == [384, 384]
    assert "small" in told["models"]
    assert told["faults"]["unknown"] == ["NotFoundError", 404, "model_not_found"]
    assert told["faults"]["busy"][:2] == ["RateLimitError", 429]
    assert told["faults"]["slow"][0] == "APIConnectionTimeoutError"
    assert told["retried"]
    assert told["aborted"] is True


@pytest.mark.parametrize("sdk", ["instructor", "pydantic-ai"])
def test_typed_frameworks(run, sdk: str) -> None:
    """They ask for types through tools and schemas, and stream."""
    told = run("typed_python.py", sdk)[sdk]
    if sdk == "instructor":
        assert set(told["tools"]) == set(told["schema"]) == {"stars", "words"}
        assert told["partial"][0] > 1
    else:
        assert set(told["typed"]) == {"stars", "words"}
        assert told["pieces"] > 3
