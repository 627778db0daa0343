"""What the reference app is there to show: facts that meet in a panel, a forecast, a table paged by key, policies by role."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from tests.unit.shipped import shipped

from seawall.app.model import App, MetricQuery, RowsQuery
from seawall.core.principal import Principal
from seawall.query.policy import resolve
from seawall.workers.forecast.tables import ERRORS, FORECAST
from seawall.workers.preparation.completejourney import PREPARATION

FOLDER = Path(__file__).parents[3] / "apps" / "merchandising"


@pytest.fixture(scope="module")
def app() -> App:
    """The app as loaded."""
    return shipped("merchandising").app


def test_empty_forecasts_have_the_columns_of_made_ones():
    """The dry run before the first forecast sees what panels will see after it."""
    kinds = {"VARCHAR": "string", "DATE": "date32[day]", "INTEGER": "int32", "DOUBLE": "double", "BOOLEAN": "bool"}
    for name, columns in (("forecast", FORECAST), ("forecast_errors", ERRORS)):
        described = duckdb.sql(f"DESCRIBE ({PREPARATION.queries[name]})").fetchall()
        assert {row[0]: kinds[row[1]] for row in described} == {column: str(kind) for column, kind in columns.items()}


def test_a_panel_spans_two_facts(app: App):
    """Units and promotions are different facts that meet in a category."""
    query = app.pages["demand"].panels["promotion_response"].query
    assert isinstance(query, MetricQuery)
    facts = {
        part
        for name in query.metrics
        for part in ("transactions", "promotion_weeks")
        if f"{part}." in app.semantics.metrics[name].expression
    }
    assert facts == {"transactions", "promotion_weeks"}


def test_the_table_pages_by_a_unique_key(app: App):
    """Newest first, then the primary key."""
    query = app.pages["transactions"].panels["rows"].query
    assert isinstance(query, RowsQuery)
    assert [order.name.rpartition(".")[2] for order in query.keyset] == ["sold_at", *app.semantics.datasets["transactions"].primary_key]
    assert query.keyset[0].descending


@pytest.mark.parametrize(("role", "filtered", "masked"), [("viewer", True, True), ("buyer", False, True), ("approver", False, False)])
def test_roles_see_what_the_reference_says(app: App, role: str, filtered: bool, masked: bool):
    """Viewers see their store groups, and only approvers household numbers."""
    access = resolve(app, Principal("ann", roles=(role,), attributes={"store_groups": ("North",)})).datasets["transactions"]
    assert (bool(access.predicates), "household_id" in access.masked) == (filtered, masked)
