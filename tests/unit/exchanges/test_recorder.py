"""The recorder: everything that happened is in the archive, redacted; a full queue or disk never reaches a caller."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.unit.exact_cache.calls import COMPLETION, a_call

from seawall.model_proxy.call import Attempt, Usage, Whole
from seawall.model_proxy.config import Recording
from seawall.model_proxy.exchanges import recorder as module
from seawall.model_proxy.exchanges.archive import Archive, Wanted
from seawall.model_proxy.exchanges.format import EXCHANGE_BYTES_MAX, Exchange, decode, encode, schema
from seawall.model_proxy.exchanges.keys import FILE, FileKeys
from seawall.model_proxy.exchanges.recorder import Recorder, Writer, open_recorder
from seawall.model_proxy.exchanges.redact import redact
from seawall.model_proxy.forms import pieces_of

WHOLE = Whole(COMPLETION, Usage(9, 3))
MAIL = "ann.smith@example.org"
DOCS = Path(__file__).parents[3] / "docs" / "reference"


def recording(tmp_path: Path) -> Recorder:
    made = open_recorder(tmp_path, Recording())
    assert made is not None
    made.start()
    return made


def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "exchanges", FileKeys(tmp_path / "keys" / FILE))


async def recorded(tmp_path: Path, *calls: tuple[Any, ...]) -> list[Exchange]:
    records = recording(tmp_path)
    for one in calls:
        records.record(*one)
    await records.close()
    return list(archive(tmp_path).read("acme"))


async def test_a_call_is_recorded_with_all_that_happened(tmp_path: Path) -> None:
    """Who, what, by whom, how long, for how much."""
    call = a_call()
    call.app, call.prompt, call.action = "merchandising", "ask", "filter.department"
    call.usage, call.cost, call.attempts = Usage(9, 3), 2100, [Attempt("gemma-270m", 200, "", 12.5)]
    [one] = await recorded(tmp_path, (call, WHOLE, "", ()))
    assert (one.tenant, one.app, one.prompt, one.action, one.cost) == ("acme", "merchandising", "ask", "filter.department", 2100)
    assert (one.target, one.provider, one.provider_model, one.answered_by) == ("gemma-270m", "embedded", "gemma3-270m", "gemma3-270m")
    assert (one.response, one.finish, one.request) == (COMPLETION, ("stop",), call.body)
    assert one.attempts == tuple(call.attempts)
    assert one.user not in ("", "ann")


async def test_what_a_client_says_of_itself_is_redacted(tmp_path: Path) -> None:
    """Its action, and the name of a model there is not."""
    call = a_call()
    call.target, call.action, call.model = None, f"ask {MAIL}", "sk-proj-aB3dE5fG7hI9jK1lM3nO5"
    [one] = await recorded(tmp_path, (call, None, "", ()))
    assert (one.action, one.model) == ("ask [pii.email]", "[secret.openai-key]")


async def test_a_file_is_left_out_however_its_beginning_is_written(tmp_path: Path) -> None:
    """A screened request is written as it is only where no file can be in it."""
    asked = b'{"model":"small","messages":[{"role":"user","content":"d\\u0061ta:image/png;base64,%b"}]}' % (b"Ab3/" * 500)
    call = a_call(msgspec.json.decode(asked))
    call.request, call.clean = msgspec.structs.replace(call.request, body=asked), True
    [one] = await recorded(tmp_path, (call, WHOLE, "", ()))
    assert one.request["messages"][0]["content"].startswith("data:image/png;sha256=")


@pytest.mark.parametrize("said", ["Why?", 'Is "model":"gemma3-270m" one?'])
@pytest.mark.parametrize("tools", [[], [{"model": "gemma3-270m"}]])
async def test_a_request_is_recorded_as_it_was_asked_though_it_was_sent_on_under_another_name(
    tmp_path: Path, said: str, tools: list[dict[str, str]]
) -> None:
    """The bytes sent to the provider are used again, with the name that was asked for."""
    call = a_call()
    call.body = {"messages": [{"role": "user", "content": said}], "model": "small", "temperature": 0, "tools": tools}
    call.sent, call.clean = msgspec.json.encode({**call.body, "model": "gemma3-270m"}), True
    call.attempts = [Attempt("gemma-270m", 200, "", 12.5)]
    [one] = await recorded(tmp_path, (call, WHOLE, "", ()))
    assert one.request == call.body


async def test_streams_are_recorded_whole(tmp_path: Path) -> None:
    """From their pieces, or at least their text."""
    by_pieces, by_text = await recorded(tmp_path, (a_call(), None, "Fifty-two.", pieces_of(COMPLETION)), (a_call(), None, "Fifty-two.", ()))
    assert by_pieces.response == COMPLETION
    assert by_text.response is not None
    assert by_text.response["choices"][0]["message"]["content"] == "Fifty-two."


async def test_nothing_personal_or_secret_is_written(tmp_path: Path) -> None:
    """In request and answer alike, and nothing at all can be read without the key."""
    call = a_call({"messages": [{"role": "user", "content": f"mail {MAIL}"}], "tools": [{"description": "key AKIAIOSFODNN7EXAMPLQ"}]})
    answer = Whole({**COMPLETION, "choices": [{"index": 0, "message": {"content": f"to\n{MAIL}"}, "finish_reason": "stop"}]})
    [one] = await recorded(tmp_path, (call, answer, "", ()))
    line = encode(one)
    assert b"smith" not in line
    assert b"AKIA" not in line
    assert line.count(b"[pii.email]") == 2
    assert call.body["messages"][0]["content"].endswith(MAIL), "the call itself is left alone"
    for path in (tmp_path / "exchanges").rglob("*.swx"):
        assert b"mail" not in path.read_bytes()


async def test_a_full_queue_drops_the_oldest_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Callers never wait."""
    monkeypatch.setattr(module, "WAITING_MAX", 3)
    calls = [a_call() for _ in range(5)]
    records = recording(tmp_path)
    for call in calls:
        records.record(call, WHOLE, "")
    await records.close()
    assert [one.id for one in archive(tmp_path).read("acme")] == [call.id for call in calls[2:]]
    assert '"event":"exchanges.dropped","count":2' in capfd.readouterr().err


async def test_a_disk_that_fails_is_told_and_the_next_batch_written(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What it refused is counted."""
    keys = FileKeys(tmp_path / "keys" / FILE)
    (tmp_path / "exchanges").write_text("in the way")
    records = Recorder(Writer(tmp_path / "exchanges", keys, Recording()), keys)
    records.record(a_call(), WHOLE, "")
    await records.flush()
    assert (records.dropped, records.written) == (1, 0)
    (tmp_path / "exchanges").unlink()
    records.record(a_call(), WHOLE, "")
    await records.close()
    assert records.written == 1
    assert "exchanges.not_written" in capfd.readouterr().err


async def test_an_exchange_that_is_too_large_is_cut(tmp_path: Path) -> None:
    """What it cost is still told."""
    call = a_call({"messages": [{"role": "user", "content": "x" * EXCHANGE_BYTES_MAX}]})
    [one] = await recorded(tmp_path, (call, WHOLE, "", ()))
    assert (one.cut, one.request, one.response) == (True, {}, None)


async def test_embeddings_are_recorded_without_their_vectors(tmp_path: Path) -> None:
    """A vector says nothing to a reader and takes a thousand times the room."""
    answer = Whole({"object": "list", "data": [{"index": 0, "embedding": [0.5, 0.25]}]})
    [one] = await recorded(tmp_path, (a_call({"input": "x"}, surface="embeddings"), answer, "", ()))
    assert one.response == {"object": "list", "data": [{"index": 0, "embedding": 2}]}


async def test_the_archive_finds_what_is_wanted(tmp_path: Path) -> None:
    """By app, prompt, model and error; each tenant by itself."""
    calls = [a_call(), a_call(), a_call(tenant="other")]
    calls[0].app, calls[1].error, calls[2].app = "shop", "provider-failed", "shop"
    await recorded(tmp_path, *[(call, None, "", ()) for call in calls])
    held = archive(tmp_path)
    assert [one.id for one in held.read("acme", Wanted(app="sh*"))] == [calls[0].id]
    assert [one.id for one in held.read("acme", Wanted(error="*"))] == [calls[1].id]
    assert [one.id for one in held.read("acme", Wanted(model="gemma-270m"))] == [call.id for call in calls[:2]]
    assert list(held.read("acme", Wanted(until=1.0))) == []
    assert held.tenants() == ["acme", "other"]
    found = held.find("acme", calls[1].id[:10])
    assert found is not None
    assert found.id == calls[1].id


def test_inline_files_are_written_as_their_digest() -> None:
    """An image is not text to redact, and not to be kept."""
    [part] = redact([{"url": "data:image/png;base64," + "A" * 5000}])
    assert part["url"].startswith("data:image/png;sha256=")


def test_an_exchange_survives_its_line() -> None:
    """Also one with fields we do not know."""
    one = Exchange(v=1, id="a", at=1.5, tenant="t", usage=Usage(1, 2), chunks=((1, 2),), attempts=(Attempt("m", 0, "reset", 1.0),))
    assert decode(encode(one)) == one
    assert decode(encode(one)[:-1] + b',"later":1}') == one
    with pytest.raises(msgspec.ValidationError):
        decode(encode(one).replace(b'"v":1', b'"v":2'))


def test_the_published_schema_is_that_of_the_code() -> None:
    """docs/reference/exchange.schema.json, written by `make docs`; an exchange keeps it."""
    import jsonschema

    published = (DOCS / "exchange.schema.json").read_bytes()
    assert published == schema()
    one = Exchange(v=1, id="a", at=1.5, tenant="t", usage=Usage(1, 2), chunks=((1, 2),), response=COMPLETION)
    jsonschema.validate(msgspec.json.decode(encode(one)), msgspec.json.decode(published))


def test_every_field_is_described() -> None:
    """docs/reference/exchanges.md has a row for each and no other."""
    page = (DOCS / "exchanges.md").read_text()
    rows = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
    assert rows == [field.name for field in msgspec.structs.fields(Exchange)]
