"""A prompt of the shipped app, called as a program does, on the models that ship; and a round of its evaluation."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable

import httpx
import pytest
from tests.acceptance.conftest import COMMAND, Seawall
from tests.waiting import until

WAIT = 300
PROMPT = "merchandising/classify-question"
KINDS = {"metric", "comparison", "forecast", "rows", "other"}


Ask = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def ask(seawall: Seawall) -> Ask:
    """`ask(body, prompt, **headers)`: a call with a machine key that may evaluate the app's prompts."""
    scopes = ("--scope", "prompts:merchandising/*", "--scope", "eval")
    argv = (*COMMAND, "key", "create", f"prompts-{time.time_ns()}", *scopes, "--data", str(seawall.data))
    key = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()

    def asked(body: dict, prompt: str = PROMPT, **headers: str) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()} | {"authorization": f"Bearer {key}"}
        return httpx.post(f"{seawall.url}/v1/prompts/{prompt}", json=body, headers=sent, timeout=WAIT)

    return asked


def found(answer: httpx.Response) -> httpx.Response | None:
    """It, unless it is not on record yet."""
    return None if answer.status_code == 404 else answer


def question(text: str, **more: object) -> dict:
    return {"input": {"question": text}, **more}


def test_a_prompt_answers_as_its_schema_says(ask: Ask) -> None:
    """With what was asked and what it cost; the second time from the cache."""
    first, again = ask(question("How many baskets were there?")), ask(question("How many baskets were there?"))
    assert first.status_code == 200, first.text
    told = first.json()
    assert told["output"]["kind"] in KINDS
    assert (told["prompt"], told["variant"], told["model"]) == (PROMPT, "plain", "smollm2-135m")
    assert told["usage"]["input"] > 100
    assert (again.json()["output"], again.json()["cached"]) == (told["output"], True)


def test_a_prompt_streams_what_it_answers(ask: Ask) -> None:
    """The texts spell the output, which comes whole at the end."""
    answer = ask(question("What will bread sell next week?", stream=True))
    events = [line.removeprefix("data: ") for line in answer.text.splitlines() if line]
    *texts, last = [json.loads(one) for one in events[:-1]]
    assert events[-1] == "[DONE]"
    assert json.loads("".join(one["text"] for one in texts)) == last["output"]


def test_a_wrong_input_is_named(ask: Ask) -> None:
    """In OpenAI's form, with the place; an unknown prompt is not found."""
    wrong = ask({"input": {"question": 5}})
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "/input/question")
    assert ask({"input": {}}, "merchandising/nothing").status_code == 404


def test_the_prompts_are_listed_with_their_schemas(seawall: Seawall) -> None:
    """What a client needs to call them."""
    answer = httpx.get(f"{seawall.url}/v1/prompts", headers=seawall.headers(), timeout=WAIT)
    listed = {one["id"]: one for one in answer.json()["data"]}
    assert set(listed) == {PROMPT, "merchandising/summarise"}
    assert listed[PROMPT]["input"]["required"] == ["question"]


def test_an_evaluation_is_recorded_once_and_then_asks_no_model(seawall: Seawall, ask: Ask) -> None:
    """Required, refused; recorded; required, the same; a word of the lane that says nothing is refused."""
    asked = question(f"Compare milk with last year, run {time.time_ns()}")
    missing = ask(asked, seawall_lane="eval", seawall_snapshot="require")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "no_snapshot")
    made = ask(asked, seawall_lane="eval", seawall_snapshot="record")
    assert made.status_code == 200, made.text
    kept = until(lambda: found(ask(asked, seawall_lane="eval", seawall_snapshot="require")))
    assert (kept.json()["output"], kept.json()["cached"]) == (made.json()["output"], True)
    assert ask(asked, seawall_lane="eval", seawall_snapshot="maybe").status_code == 400
    assert (seawall.data / "cassettes" / "t-default" / "merchandising.jsonl").exists()


def test_what_prompts_sent_on_is_replayed_from_the_apps_cassette(seawall: Seawall, ask: Ask) -> None:
    """`seawall exchanges replay --snapshot require` finds what an evaluation of a prompt recorded, and asks no model."""
    made = ask(question(f"Which week was best, run {time.time_ns()}"), seawall_lane="eval", seawall_snapshot="record")
    assert made.status_code == 200, made.text
    choice = ("--prompt", "classify-question", "--lane", "eval", "--limit", "1", "--snapshot", "require", "--json")
    argv = (*COMMAND, "exchanges", "replay", *choice, "--data", str(seawall.data))
    told: dict = {}

    def replayed() -> bool:
        """Once it is on record."""
        told.update(json.loads(subprocess.run(argv, capture_output=True, text=True, check=False).stdout))
        return (told["asked"], told["same"]) == (1, 1)

    until(replayed, every=1.0)
