"""An app whose rows live in Postgres: policies, keyset pages, `seawall query` and `seawall check` on a running instance."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.acceptance.conftest import COMMAND, Seawall, up
from tests.acceptance.data_api import DataApi

from seawall.cli.operational import store_url

APP = """
name: returns-desk
title: Returns
roles: {viewer: {}, approver: {extends: viewer}}
policies: {orders: {rows: [{member: orders.region, op: in, attribute: user.regions, unless: [approver]}]}}
pages:
  open:
    title: Open
    panels:
      by_region: {title: By region, metric: value, by: orders.region, chart: {mark: bar}}
      list: {title: Orders, dataset: orders, columns: [number, region, amount, placed_at], keyset: [-placed_at, number], page_size: 2}
    layout: [[by_region], [list]]
"""
SEMANTIC = """
version: 0.2.0.dev0
semantic_model:
  - name: returns
    datasets:
      - name: orders
        source: orders
        primary_key: [number]
        custom_extensions: [{vendor_name: SEAWALL, data: '{"engine": "operational", "time": "placed_at"}'}]
        fields:
          - {name: number, datatype: Integer, expression: {dialects: [{dialect: ANSI_SQL, expression: number}]}}
          - {name: region, datatype: String, expression: {dialects: [{dialect: ANSI_SQL, expression: region}]}}
          - {name: amount, datatype: Decimal, expression: {dialects: [{dialect: ANSI_SQL, expression: amount}]}}
          - {name: placed_at, datatype: DateTime, expression: {dialects: [{dialect: ANSI_SQL, expression: placed_at}]}}
    metrics:
      - {name: value, expression: {dialects: [{dialect: ANSI_SQL, expression: SUM(orders.amount)}]}}
"""
TABLE = """
CREATE TABLE app_returns_desk.orders (number BIGINT PRIMARY KEY, region TEXT NOT NULL, amount NUMERIC(12, 2), placed_at TIMESTAMP);
INSERT INTO app_returns_desk.orders SELECT n, (ARRAY['east', 'west'])[n % 2 + 1], n * 1.5, TIMESTAMP '2026-01-01' + n / 4 * INTERVAL '1 day'
FROM generate_series(1, 9) AS n;
CREATE TABLE public.strangers (number BIGINT);
"""


def owner(data: Path) -> psycopg.Connection:
    """The database as who migrates it."""
    return psycopg.connect(store_url(data, "seawall_owner"), autocommit=True)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sw-op-", dir="/tmp") as name:
        made = Path(name) / "app"
        (made / "semantic").mkdir(parents=True)
        (made / "app.yaml").write_text(APP)
        (made / "semantic" / "returns.yaml").write_text(SEMANTIC)
        yield made


@pytest.fixture(scope="module")
def desk(folder: Path) -> Iterator[Seawall]:
    """An instance with an operational app; its table is not there yet."""
    data = folder.parent / "data"
    try:
        yield Seawall(data, up(data, folder))
    finally:
        subprocess.run((*COMMAND, "down", "--data", str(data)), check=True, capture_output=True)


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run((*COMMAND, *map(str, arguments)), capture_output=True, text=True, check=False)


def test_a_table_that_is_not_there_is_a_fault(desk: Seawall, folder: Path) -> None:
    """`seawall check` finds it in the running instance, where the panel is declared, and says where it looked."""
    done = run("check", folder, "--data", desk.data, "--json")
    faults = json.loads(done.stdout)["faults"]
    assert done.returncode == 1
    assert {fault["code"] for fault in faults} == {"dry_run_failed"}
    assert "pages.open.panels.list" in {fault["where"] for fault in faults}
    assert {fault["got"] for fault in faults} == {'relation "app_returns_desk.orders" does not exist'}
    assert all("app_returns_desk" in fault["fix"] for fault in faults)


@pytest.fixture
def filled(desk: Seawall) -> Seawall:
    """With the table, made by the database's owner after the start."""
    with owner(desk.data) as connection:
        there = connection.execute("SELECT to_regclass('app_returns_desk.orders') IS NOT NULL").fetchone()
        if there != (True,):
            connection.execute(TABLE)
    return desk


def test_panels_read_it_under_the_row_policy(filled: Seawall) -> None:
    """The ui's own role may read what the owner made; a viewer gets the rows of their region only."""
    with DataApi(filled, "returns-desk", "viewer", regions=("east",)) as east, DataApi(filled, "returns-desk") as everyone:
        assert [row["region"] for row in east.rows("by_region")] == ["east"]
        assert {row["region"] for row in everyone.rows("by_region")} == {"east", "west"}
        assert {row["region"] for row in east.rows("list")} == {"east"}


def test_pages_follow_the_keyset(filled: Seawall) -> None:
    """Every row once, newest first, ties in order, over all pages."""
    numbers, after = [], None
    with DataApi(filled, "returns-desk") as api:
        while True:
            answer = api.answer("list", limit=2, after=after)
            numbers += [row["number"] for row in answer["rows"]]
            after = answer.get("next")
            if after is None:
                break
    assert numbers == [8, 9, 4, 5, 6, 7, 1, 2, 3]


def test_the_command_line_asks_the_running_instance(filled: Seawall, folder: Path) -> None:
    """With the rights one names, and without DATABASE_URL."""
    asked = ("query", folder, "--metric", "value", "--by", "orders.region", "--data", filled.data, "--format", "json")
    done = run(*asked, "--as", "role=viewer,regions=west")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [{"region": "west", "value": 37.5}]
    told = json.loads(run("check", folder, "--data", filled.data, "--json").stdout)
    assert (told["faults"], told["dry_run"]["queries"]) == ([], 7)


def test_an_app_reads_its_own_schema_only(filled: Seawall, folder: Path, tmp_path: Path) -> None:
    """A table of another schema is not there, though the database has it."""
    (tmp_path / "semantic").mkdir()
    (tmp_path / "app.yaml").write_text(APP)
    (tmp_path / "semantic" / "returns.yaml").write_text(SEMANTIC.replace("source: orders", "source: strangers"))
    faults = json.loads(run("check", tmp_path, "--data", filled.data, "--json").stdout)["faults"]
    assert {fault["got"] for fault in faults} == {'relation "app_returns_desk.strangers" does not exist'}
