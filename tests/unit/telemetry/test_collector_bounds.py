"""What the collector takes, and what it refuses, however small it comes over the wire."""

import gzip
from pathlib import Path

import httpx
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
