"""What `seawall exchanges` tells of an instance's calls: listed, shown, exported, asked again."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest
from tests.acceptance.conftest import COMMAND, Seawall
from tests.waiting import until

ASKED = {"messages": [{"role": "user", "content": "Say yes. My mail is jo@shop.example."}], "max_tokens": 8}


def exchanges(seawall: Seawall, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, as it is typed."""
    argv = (*COMMAND, "exchanges", *arguments, "--data", str(seawall.data))
    return subprocess.run(argv, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def recorded(seawall: Seawall) -> dict:
    """A call of somebody who says what it is for, once it is on record."""
    action = f"acceptance-{time.time_ns()}"
    headers = {**seawall.headers(user="exchange-tester"), "seawall-action": action}
    answer = httpx.post(f"{seawall.url}/v1/chat/completions", json={"model": "small", **ASKED}, headers=headers, timeout=300)
    assert answer.status_code == 200, answer.text
    found: list[dict] = []

    def written() -> bool:
        listed = exchanges(seawall, "list", "--since", "10m", "--json")
        found[:] = [one for one in map(json.loads, listed.stdout.splitlines()) if one.get("action") == action]
        return bool(found)

    until(written)
    return found[0] | {"said": answer.json()["choices"][0]["message"]["content"]}


def test_a_call_is_listed_and_shown(seawall: Seawall, recorded: dict) -> None:
    """With its answer and cost, without whom it was and what is theirs alone."""
    table = exchanges(seawall, "list", "--model", "small").stdout
    assert recorded["id"] in table
    shown = exchanges(seawall, "show", recorded["id"][:10])
    one = json.loads(shown.stdout)
    assert one["response"]["choices"][0]["message"]["content"] == recorded["said"]
    assert (one["target"], one["usage"]["output"] > 0) == ("smollm2-135m", True)
    assert "[pii.email]" in shown.stdout
    assert "jo@shop" not in shown.stdout
    assert "exchange-tester" not in shown.stdout


def test_what_is_not_there_is_said(seawall: Seawall) -> None:
    """In one sentence, with what to do."""
    done = exchanges(seawall, "show", "nothing")
    assert done.returncode == 1
    assert "seawall exchanges list" in done.stderr


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_calls_are_exported(seawall: Seawall, recorded: dict, tmp_path: Path, form: str) -> None:
    """The same ones in both forms."""
    path = tmp_path / f"calls.{form}"
    done = exchanges(seawall, "export", str(path), "--model", "small")
    assert done.returncode == 0, done.stderr
    ids = [json.loads(line)["id"] for line in path.read_text().splitlines()] if form == "jsonl" else pq.read_table(path)["id"].to_pylist()
    assert recorded["id"] in ids


def test_calls_are_asked_again(seawall: Seawall, recorded: dict, tmp_path: Path) -> None:
    """A file of them; of a cassette the answers are the same, and in the evaluation lane the second time as the first."""
    path = tmp_path / "calls.jsonl"
    path.write_text(json.dumps({name: value for name, value in recorded.items() if name != "said"}) + "\n")
    taped = json.loads(exchanges(seawall, "replay", "--from", str(path), "--cassette", str(path), "--json").stdout)
    assert (taped["asked"], taped["same"]) == (1, 1)
    first = json.loads(exchanges(seawall, "replay", "--from", str(path), "--snapshot", "record", "--json").stdout)
    assert (first["asked"], first["failed"]) == (1, 0)
    again: dict = {}

    def on_tape() -> bool:
        again.update(json.loads(exchanges(seawall, "replay", "--from", str(path), "--snapshot", "require", "--json").stdout))
        return again["failed"] == 0

    until(on_tape, every=1.0)
    assert again["rows"][0]["likeness"] == first["rows"][0]["likeness"]
