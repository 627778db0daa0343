"""Readers that take nothing, over real sockets: everybody else is answered, and they are cut off."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.integration.test_ui_streaming import served
from tests.unit.ui_server.test_slow_readers import CSV, Warehouse

from seawall.ui import replies

ROWS = 400_000
READERS = 14
WRITE_SECONDS = 8.0
"""Enough to ask four more questions meanwhile, on a busy machine."""


async def idle_reader(url: str, path: str, token: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection that has asked for a file and reads nothing of it."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", int(url.rpartition(":")[2])))
    reader, writer = await asyncio.open_connection(sock=sock, limit=64)
    writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n".encode())
    await writer.drain()
    return reader, writer


async def test_idle_sockets_stop_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fourteen of them, by fourteen users, with one query at a time: a question is answered at once, and later a file again."""
    monkeypatch.setattr(replies, "WRITE_SECONDS_MAX", WRITE_SECONDS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ids = pa.array(range(ROWS))
        constant = {column: pa.array([column] * ROWS) for column in ("store", "department")}
        days = pa.array([0] * ROWS, pa.date32())
        pq.write_table(pa.table({"id": ids, "amount": ids.cast("float64"), "sold_at": days, **constant}), folder / "transactions.parquet")
        pq.write_table(pa.table({"id": [1]}), folder / "secrets.parquet")
        house = Warehouse(folder)
        async with served(house) as url:
            idle = [await idle_reader(url, CSV, house.token("boss", user=f"u{n}")) for n in range(READERS)]
            await asyncio.sleep(0.5)
            async with house.client("boss") as client:
                assert (await client.get("/shop/api/panels/units?format=json")).status_code == 200
                assert (await client.head(CSV)).status_code == 200
                assert (await client.get(CSV)).status_code == 429
                async with asyncio.timeout(60):
                    while (answer := await client.get(CSV)).status_code == 429:
                        await asyncio.sleep(0.2)
                assert answer.text.count("\n") == ROWS + 1
            bodies = [await asyncio.wait_for(reader.read(), 60) for reader, _ in idle[:2]]
            for _, writer in idle:
                writer.close()
        await house.duckdb.close()
    assert all(b" 200 " in body[:20] and not body.endswith(b"0\r\n\r\n") for body in bodies)
