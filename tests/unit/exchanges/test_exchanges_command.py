"""`seawall exchanges`: what was recorded is found, written to files, and asked again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from tests.unit.exact_cache.calls import COMPLETION, a_call

from seawall.cli.exchanges import exchanges, moment
from seawall.cli.exchanges_replay import compare
from seawall.core.errors import ConfigurationError, NotFound
from seawall.model_proxy.call import Usage, Whole
from seawall.model_proxy.config import Recording
from seawall.model_proxy.exchanges.archive import Archive, Wanted
from seawall.model_proxy.exchanges.cassettes import Cassettes
from seawall.model_proxy.exchanges.format import Exchange
from seawall.model_proxy.exchanges.keys import FILE, FileKeys
from seawall.model_proxy.exchanges.recorder import FOLDER, open_recorder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """An instance that recorded three calls of the tenant acme: two of the app shop, one of which failed."""
    calls = [a_call(), a_call(), a_call({"messages": [{"role": "user", "content": "other"}]})]
    calls[0].app = calls[1].app = "shop"
    calls[1].error = "provider-failed"

    async def record() -> None:
        recorder = open_recorder(tmp_path, Recording())
        assert recorder is not None
        for call in calls:
            recorder.record(call, None if call.error else Whole(COMPLETION, Usage(9, 3)), "")
        await recorder.close()

    asyncio.run(record())
    return tmp_path


def run(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(exchanges, [*arguments, "--data", str(data)], standalone_mode=False)


def lines(result: Result) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in result.stdout.splitlines()]


def test_list_finds_what_is_asked_for(data: Path) -> None:
    """By app, by error, of a tenant; as a table or as JSON Lines."""
    assert len(lines(run(data, "list", "--tenant", "acme", "--json"))) == 3
    assert [one["error"] for one in lines(run(data, "list", "--tenant", "acme", "--app", "shop", "--error", "*", "--json"))] == [
        "provider-failed"
    ]
    assert lines(run(data, "list", "--json")) == []
    assert "gemma-270m" in run(data, "list", "--tenant", "acme", "--since", "1h").stdout


def test_nothing_recorded_speaks_to_the_terminal(tmp_path: Path) -> None:
    """Neither a model's name that a client made up nor the reason a provider gives for its end."""

    async def record() -> None:
        recorder = open_recorder(tmp_path, Recording())
        assert recorder is not None
        call = a_call({"model": "\x1b[2Jm", "messages": [{"role": "user", "content": "a\u009b2J\u202eb\U000e0041"}]})
        call.model, call.target, call.finish = "\x1b[2Jm", None, "stop\x1b]0;x\x07\nroot"
        recorder.record(call, Whole({"choices": [{"finish_reason": call.finish}]}, Usage(9, 3)), "")
        await recorder.close()

    asyncio.run(record())
    listed = run(tmp_path, "list", "--tenant", "acme").stdout
    shown = run(tmp_path, "show", "--tenant", "acme", listed.splitlines()[1].split()[2]).stdout
    assert all(char.isprintable() or char == "\n" for char in listed + shown)
    assert len(listed.splitlines()) == 2
    assert msgspec.json.decode(shown)["request"]["messages"][0]["content"] == "a\u009b2J\u202eb\U000e0041"


def test_show_takes_the_beginning_of_an_id(data: Path) -> None:
    """And says when there is none."""
    first = lines(run(data, "list", "--tenant", "acme", "--json"))[0]
    assert msgspec.json.decode(run(data, "show", first["id"][:8], "--tenant", "acme").stdout) == first
    assert isinstance(run(data, "show", "zzz", "--tenant", "acme").exception, NotFound)


def test_exports_read_as_they_are(data: Path, tmp_path: Path) -> None:
    """JSON Lines and Parquet."""
    for name in ("out.jsonl", "out.parquet"):
        assert run(data, "export", str(tmp_path / name), "--tenant", "acme").exception is None
    written = [msgspec.json.decode(line, type=Exchange) for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]
    table = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [one["id"] for one in table] == [one.id for one in written]
    assert [msgspec.json.decode(one["response"]) for one in table] == [one.response for one in written]


def test_replay_compares_with_a_cassette(data: Path, tmp_path: Path) -> None:
    """Same answers are told as same; what the cassette lacks is a failure; what has no answer to compare with is passed over."""
    cassette = tmp_path / "tape.jsonl"
    run(data, "export", str(cassette), "--tenant", "acme", "--app", "shop")
    whole = run(data, "replay", "--tenant", "acme", "--cassette", str(cassette), "--from", str(cassette), "--json")
    told = msgspec.json.decode(whole.stdout)
    assert (told["asked"], told["same"]) == (1, 1)
    lacking = run(data, "replay", "--tenant", "acme", "--cassette", str(cassette))
    assert "not in the cassette" in lacking.stdout
    assert lacking.return_value == 1 or getattr(lacking.exception, "exit_code", 0) == 1


def test_a_cassette_that_is_sealed_answers_its_owner(data: Path, tmp_path: Path) -> None:
    """Whoever has the instance's keys, and names the tenant."""
    tape = Cassettes(data / "cassettes", keys=lambda: FileKeys(data / "keys" / FILE))
    for one in Archive(data / FOLDER, FileKeys(data / "keys" / FILE)).read("acme", Wanted(app="shop")):
        if one.response is not None:
            tape.add(one)
    (cassette,) = (data / "cassettes" / "t-acme").glob("*.jsonl")
    told = msgspec.json.decode(run(data, "replay", "--tenant", "acme", "--app", "shop", "--cassette", str(cassette), "--json").stdout)
    assert (told["asked"], told["same"]) == (1, 1)


def test_differences_are_measured() -> None:
    """By what was said, not by ids that are new each time."""
    before = Exchange(v=1, id="a", at=0.0, tenant="t", response=COMPLETION)
    assert compare(before, {**COMPLETION, "id": "new"}, 1.0).same
    other = {"choices": [{"message": {"content": "Fifty-three."}}]}
    row = compare(before, other, 1.0)
    assert not row.same
    assert 0.5 < row.likeness < 1


def test_rotation_keeps_what_was_recorded(data: Path) -> None:
    """Old segments open with the old key."""
    assert run(data, "rotate").exception is None
    assert len(lines(run(data, "list", "--tenant", "acme", "--json"))) == 3


def test_nothing_recorded_is_said(tmp_path: Path) -> None:
    """With what to do about it."""
    assert isinstance(run(tmp_path, "list").exception, ConfigurationError)


def test_moments_are_told_in_two_ways() -> None:
    """As so long ago, or as a time of UTC."""
    assert moment("1h", 10_000.0) == 6400.0
    assert moment("1970-01-01T01:00", 0.0) == 3600.0
