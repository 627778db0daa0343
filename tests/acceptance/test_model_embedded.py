"""An instance as it comes, without a key and without a network: its own models answer through the gateway."""

from __future__ import annotations

import httpx

WAIT = 300


def ask(seawall, path: str, body: dict, **headers: str) -> httpx.Response:
    """A call as a signed-in user's program makes it."""
    return httpx.post(f"{seawall.url}/v1/{path}", json=body, headers={**seawall.headers(), **headers}, timeout=WAIT)


def test_a_question_is_answered_and_kept(seawall) -> None:
    """The second time from the exact cache, which keeps answers that came to their end: the very same one."""
    asked = {"model": "small", "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 400, "temperature": 0}
    first, second = ask(seawall, "chat/completions", asked), ask(seawall, "chat/completions", asked)
    assert first.status_code == 200, first.text
    assert first.json()["choices"][0]["message"]["content"] == second.json()["choices"][0]["message"]["content"] != ""
    assert second.json()["id"] == first.json()["id"], "asked again"


def test_texts_become_vectors(seawall) -> None:
    """384 numbers each."""
    answer = ask(seawall, "embeddings", {"model": "embed", "input": ["milk", "bread"]})
    assert [len(one["embedding"]) for one in answer.json()["data"]] == [384, 384]


def test_its_models_are_listed(seawall) -> None:
    """The two tiers, and embeddings."""
    answer = httpx.get(f"{seawall.url}/v1/models", headers=seawall.headers(), timeout=WAIT)
    assert {"small", "large", "embed"} <= {one["id"] for one in answer.json()["data"]}


def test_nobody_calls_a_model_unknown(seawall) -> None:
    """Without a key the answer is 401, in the form SDKs read."""
    answer = httpx.post(f"{seawall.url}/v1/chat/completions", json={"model": "small", "messages": []}, timeout=WAIT)
    assert answer.status_code == 401
    assert answer.json()["error"]["message"]
