"""The data API as a program uses it, and the same data straight from the Parquet files to compare with."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import duckdb
import httpx
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from tests.acceptance.conftest import Seawall
from tests.waiting import until

from seawall.core.principal import Attribute
from seawall.query.generations import Generations

Row = dict[str, object]
MEDIA_TYPES = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8; header=present",
    "arrow": "application/vnd.apache.arrow.stream",
    "parquet": "application/vnd.apache.parquet",
}
PROBLEM = "application/problem+json"
LATE = " data-again"
"""How a page marks a panel whose answer came too late."""
TRIES = 20


class DataApi(httpx.Client):
    """One principal's view of an app's data.

    These tests are about what is answered, not when: what came too late for a busy machine is asked for again, as the answer advises.
    """

    def __init__(self, seawall: Seawall, app: str, role: str = "approver", user: str = "tester", **attributes: Attribute) -> None:
        headers = seawall.headers(role, user, **attributes) | {"Accept-Encoding": "identity"}
        super().__init__(base_url=seawall.url, headers=headers, timeout=60)
        self._app = app

    def send(self, request: httpx.Request, **options: object) -> httpx.Response:
        """The answer; of one whose deadline passed, the next."""
        for _ in range(TRIES):
            answer = super().send(request, **options)
            if answer.status_code != 504:
                break
            answer.close()
        return answer

    def panel(self, name: str, **params: object) -> httpx.Response:
        """`GET /{app}/api/panels/{name}`."""
        return self.get(f"/{self._app}/api/panels/{name}", params={key: value for key, value in params.items() if value is not None})

    def answer(self, name: str, **params: object) -> dict:
        """The JSON answer, money exact."""
        answer = self.panel(name, **params)
        assert answer.status_code == 200, answer.text
        return answer.json(parse_float=Decimal)

    def counted(self, name: str, **params: object) -> dict:
        """The same, once the count is no estimate."""
        answers: list[dict] = []

        def exact() -> bool:
            answers[:] = [self.answer(name, **params)]
            return answers[0]["total_exact"] is True

        until(exact)
        return answers[0]

    def rows(self, name: str, **params: object) -> list[Row]:
        """The rows of the JSON answer."""
        return self.answer(name, **params)["rows"]

    def page(self, name: str, **params: object) -> str:
        """A page's HTML, with every panel that can be made."""
        for _ in range(TRIES):
            answer = self.get(f"/{self._app}/{name}", params=params)
            assert answer.status_code == 200
            if LATE not in answer.text:
                break
        return answer.text


def rows_of(format: str, body: bytes) -> list[Row]:
    """The rows of a file; CSV's are all text."""
    if format == "json":
        return msgspec.json.decode(body)["rows"]
    if format == "csv":
        return list(csv.DictReader(io.StringIO(body.decode(), newline="")))
    if format == "arrow":
        return pa.ipc.open_stream(body).read_all().to_pylist()
    return pq.read_table(io.BytesIO(body)).to_pylist()


@contextmanager
def warehouse(seawall: Seawall, app: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """The current generation's tables, without Seawall in between."""
    generations = Generations(seawall.data / "warehouse")
    with duckdb.connect() as connection:
        for name, paths in generations.locate(generations.current(app).id).items():
            connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet([{', '.join(map(_literal, paths))}])")
        yield connection


def _literal(path: Path) -> str:
    return f"'{path}'"
