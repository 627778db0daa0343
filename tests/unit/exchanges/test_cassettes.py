"""Cassettes are bounded: files that end, files that are too large, and what is let go of."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.exact_cache.calls import COMPLETION
from tests.unit.exchanges.test_evaluation import asked, replayed

from seawall.core.errors import ConfigurationError
from seawall.model_proxy.config import Kept
from seawall.model_proxy.exchanges import tape
from seawall.model_proxy.exchanges.cassettes import Cassettes, name_of
from seawall.model_proxy.exchanges.evaluation import Evaluation
from seawall.model_proxy.exchanges.format import Exchange, encode
from seawall.model_proxy.exchanges.keys import FileKeys
from seawall.model_proxy.exchanges.tape import Tape

DAY = 86_400.0


def exchange(snapshot: str, said: str = "Fifty-two.", app: str = "shop") -> Exchange:
    return Exchange(v=1, id=said, at=1.0, tenant="acme", app=app, snapshot=snapshot, request={"q": snapshot}, response=COMPLETION)


def found(cassettes: Cassettes, snapshot: str) -> str:
    one = cassettes.find("acme", "shop", snapshot)
    return one.id if one is not None else ""


def files(root: Path) -> list[Path]:
    return sorted((root / "t-acme").iterdir())


def older(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds, time.time() - seconds))


def test_a_file_that_would_be_too_large_ends_and_another_begins(tmp_path: Path) -> None:
    """All of them answer, the newest first; another process finds the same."""
    keys = FileKeys(tmp_path / "keys.json")
    cassettes = Cassettes(tmp_path, keys=lambda: keys, roll_bytes=2_000)
    for number in range(12):
        cassettes.add(exchange(f"s{number % 4}", f"answer {number}"))
        time.sleep(0.002)
    assert len(files(tmp_path)) > 2
    assert all(file.stat().st_size <= 2_000 for file in files(tmp_path))
    for reader in (cassettes, Cassettes(tmp_path, keys=lambda: keys)):
        assert [found(reader, f"s{number}") for number in range(5)] == ["answer 8", "answer 9", "answer 10", "answer 11", ""]


def test_a_file_ends_with_its_day(tmp_path: Path) -> None:
    """So that what is old can be let go of, though more is recorded every day."""
    cassettes = Cassettes(tmp_path)
    cassettes.add(exchange("one"))
    older(files(tmp_path)[0], DAY)
    cassettes.add(exchange("two"))
    assert [file.name for file in files(tmp_path)][-1] == "shop.jsonl"
    assert (len(files(tmp_path)), found(cassettes, "one"), found(cassettes, "two")) == (2, "Fifty-two.", "Fifty-two.")


def test_what_is_too_old_or_too_much_is_let_go_of(tmp_path: Path) -> None:
    """By when it was written, then the oldest beyond the size; what an app brought along stays."""
    own = tmp_path / "app" / "cassettes"
    own.mkdir(parents=True)
    (own / "own.jsonl").write_bytes(encode(exchange("own")))
    older(own / "own.jsonl", 400 * DAY)
    data = tmp_path / "data"
    cassettes = Cassettes(data, {"shop": tmp_path / "app"}, kept=Kept(keep=30 * DAY, max_gb=1.5 * len(encode(exchange("a"))) / 1e9))
    for age, app in ((40, "a"), (20, "b"), (10, "c")):
        cassettes.add(exchange("s", app=app))
        older(data / "t-acme" / f"{app}.jsonl", age * DAY)
    assert cassettes.tidy() == 2
    assert [file.name for file in files(data)] == ["c.jsonl"]
    assert found(cassettes, "own") == "Fifty-two."


async def test_a_cassette_that_is_too_large_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never read in part: what it holds last would be missing, and nobody would know."""
    monkeypatch.setattr(tape, "FILE_BYTES_MAX", 1_000)
    (tmp_path / "app" / "cassettes").mkdir(parents=True)
    (tmp_path / "app" / "cassettes" / "much.jsonl").write_bytes(b"\n".join(encode(exchange(f"s{number}")) for number in range(9)))
    evaluation = Evaluation(Cassettes(tmp_path / "data", {"shop": tmp_path / "app"}))
    call = asked("replay")
    call.app = "shop"
    with pytest.raises(ConfigurationError, match=r"much\.jsonl.*too large.*Split it"):
        await replayed(evaluation, call)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["add", "torn", "find", "again"]), st.integers(0, 5)), max_size=25))
def test_the_last_answer_to_a_request_is_found_however_the_file_grows(tmp_path: Path, steps: list[tuple[str, int]]) -> None:
    """Looked into while it is written, with lines a crash has torn, or written anew."""
    path = tmp_path / "one.jsonl"
    path.unlink(missing_ok=True)
    one, known, torn = Tape(path, name_of), dict[str, str](), False
    for count, (what, number) in enumerate(steps):
        line = encode(exchange(f"s{number}", f"answer {count}"))
        if what == "find":
            got = one.find(f"s{number}", bytes, grows=True)
            assert (got.id if got else "") == known.get(f"s{number}", "")
        elif what == "again":
            path.unlink(missing_ok=True)
            path.with_suffix(".new").write_bytes(line + b"\n")
            path.with_suffix(".new").rename(path)
            known, torn = {f"s{number}": f"answer {count}"}, False
        else:
            with path.open("ab") as file:
                file.write(line[:-5] if what == "torn" else line + b"\n")
            if what == "add" and not torn:
                known[f"s{number}"] = f"answer {count}"
            torn = what == "torn"


def test_a_file_that_grew_is_read_on(tmp_path: Path) -> None:
    """Not from its beginning, or recording would take longer with each exchange."""
    cassettes, opened = Cassettes(tmp_path), list[bytes]()
    for number in range(5):
        cassettes.add(exchange(f"s{number}"))
    (path,) = files(tmp_path)
    one = Tape(path, name_of)

    def seen(line: bytes) -> bytes:
        opened.append(line)
        return line

    assert one.find("s0", seen, grows=True) is not None
    cassettes.add(exchange("s5"))
    opened.clear()
    assert one.find("s5", seen, grows=True) is not None
    assert len(opened) == 2


def test_a_line_that_is_no_text_is_passed_over(tmp_path: Path) -> None:
    """An app's own cassette may have been written by hand, in whatever encoding."""
    folder = tmp_path / "app" / "cassettes"
    folder.mkdir(parents=True)
    line = encode(exchange("one"))
    (folder / "a.jsonl").write_bytes(line.replace(b"Fifty", b"F\xfcnfzig") + b"\n" + line + b"\n")
    assert found(Cassettes(tmp_path, apps={"shop": tmp_path / "app"}), "one") == "Fifty-two."
