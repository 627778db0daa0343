"""What the collector takes, and what it refuses, however small it comes over the wire."""

import gzip
from pathlib import Path

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from seawall.telemetry import collector
from seawall.telemetry.otlp import encode


async def posted(folder: Path, body: bytes) -> int:
    app = Starlette(routes=collector.routes(folder))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://collector") as client:
        return (await client.post("/v1/traces", content=body, headers={"content-encoding": "gzip"})).status_code


async def test_a_gzip_body_is_bounded_in_what_it_unpacks_to(tmp_path: Path) -> None:
    """A few kilobytes that would be gigabytes are refused before they are."""
    bomb = gzip.compress(bytes(collector.BODY_BYTES_MAX + 1))
    assert len(bomb) < 10_000
    assert await posted(tmp_path, bomb) == 413


@pytest.mark.parametrize("cut", [1, 9])
async def test_a_gzip_body_that_breaks_off_is_refused(tmp_path: Path, cut: int) -> None:
    """Part of a batch is none; a whole one is taken, and so is an empty one."""
    whole = gzip.compress(encode([], "seawall-ui", "1") + b"")
    assert await posted(tmp_path, whole) == 200
    assert await posted(tmp_path, whole[:-cut]) == 400
    assert await posted(tmp_path, b"no gzip") == 400


def test_spans_take_so_much_of_the_disk_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many come in an hour; the newest are kept, in their order."""
    monkeypatch.setattr(collector, "FILES_MAX", 3)
    files = collector.SpanFiles(tmp_path, file_bytes_max=2000)
    for number in range(100):
        files.append([collector.SpanRecord(f"{number:032}", "0" * 16, "page", "ui", "ui", number, number)])
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 3 * 2000
    kept = [one.start_ns for one in collector.read_spans(tmp_path)]
    assert kept == list(range(kept[0], 100))
    assert len(kept) > 20


@pytest.mark.parametrize("cut", [1, 2, 30, -1])
def test_half_a_line_costs_that_line_and_no_other(tmp_path: Path, cut: int) -> None:
    """A collector was killed while it wrote, anywhere in a line; what it kept before and what the next one keeps is read."""
    span = collector.SpanRecord("0" * 32, "0" * 16, "größe", "ui", "ui", 0, 0)
    spans = [msgspec.structs.replace(span, start_ns=number) for number in range(4)]
    collector.SpanFiles(tmp_path).append(spans[:2])
    (path,) = tmp_path.iterdir()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[1][:cut])
    assert [one.start_ns for one in collector.read_spans(tmp_path)] == [0]
    collector.SpanFiles(tmp_path).append(spans[2:])
    kept = [one.start_ns for one in collector.read_spans(tmp_path)]
    assert kept == ([0, 1, 2, 3] if cut == -1 else [0, 2, 3])


def test_a_line_that_was_never_utf8_is_passed_over(tmp_path: Path) -> None:
    """A disk gives back what was not written."""
    collector.SpanFiles(tmp_path).append([collector.SpanRecord("0" * 32, "0" * 16, "page", "ui", "ui", 1, 1)])
    (path,) = tmp_path.iterdir()
    path.write_bytes(b"\0\0\xff\n[]\n" + path.read_bytes())
    assert [one.start_ns for one in collector.read_spans(tmp_path)] == [1]
