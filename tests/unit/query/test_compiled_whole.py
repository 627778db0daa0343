"""What goes with a compiled statement: the last look at its tree, and what is told of its columns."""

from __future__ import annotations

from datetime import date

import pytest
from sqlglot import exp, parse_one
from tests.unit.query.star import app, everything, viewer

from seawall.app.model import Dimension, MetricQuery, Order, Policy, Query, RowsQuery
from seawall.query import compile_query as compiling
from seawall.query.compile_query import build, compile_query
from seawall.query.errors import InvalidCursor, InvalidQuery
from seawall.query.policy import resolve
from seawall.query.sql_types import identifier

SHOP = app({"sales": Policy("sales", (), (), {"household_id": ("board",)})})
AS_OF = date(2017, 12, 31)
HOUSEHOLDS = MetricQuery(("households", "revenue"), (Dimension("household", "sales.household"), Dimension("brand", "products.brand")))
LISTING = RowsQuery("sales", ("household_id", "amount", "household"), (Order("sale_id"),))


@pytest.mark.parametrize("query", [MetricQuery(("revenue",)), LISTING])
def test_a_fault_in_the_compiler_is_no_way_past_a_policy(monkeypatch: pytest.MonkeyPatch, query: Query) -> None:
    """A tree that reads a table as it is never becomes text."""

    def careless(*args: object, **more: object) -> object:
        tree, statement = build(*args, **more)  # type: ignore[arg-type]
        tree.append("joins", exp.Join(this=exp.Table(this=identifier("t_secrets")), kind="CROSS"))
        return tree, statement

    monkeypatch.setattr(compiling, "build", careless)
    with pytest.raises(InvalidQuery, match="outside its policy"):
        compile_query(SHOP, query, everything(SHOP), dialect="duckdb", as_of=AS_OF)


@pytest.mark.parametrize(
    ("query", "masked"),
    [(HOUSEHOLDS, ["household", "households"]), (LISTING, ["household_id", "household"])],
)
def test_columns_tell_what_is_hidden(query: Query, masked: list[str]) -> None:
    """Fields, dimensions and metrics over a masked column, for those it is masked for."""
    told = [
        compile_query(SHOP, query, policy, dialect="duckdb", as_of=AS_OF).columns for policy in (resolve(SHOP, viewer()), everything(SHOP))
    ]
    assert [[column.name for column in columns if column.masked] for columns in told] == [masked, []]


@pytest.mark.parametrize("dialect", ["duckdb", "postgres"])
@pytest.mark.parametrize("descending", [True, False])
def test_what_has_no_value_comes_last_on_every_engine(dialect: str, descending: bool) -> None:
    """Postgres would put it first in a descending sort, and a page after it would begin at another place."""
    ranked = MetricQuery(("revenue",), (Dimension("brand", "products.brand"),), order=(Order("revenue", descending),), limit=3)
    for query in (ranked, RowsQuery("sales", ("amount",), (Order("amount", descending),))):
        tree = parse_one(compile_query(SHOP, query, everything(SHOP), dialect=dialect, as_of=AS_OF).sql, dialect=dialect)
        terms = tree.args["order"].expressions
        assert [term.args["desc"] or False for term in terms] == [descending, False]
        assert not any(term.args["nulls_first"] for term in terms)


@pytest.mark.parametrize("after", [(), (1, 2)])
def test_a_cursor_of_another_sort_is_refused(after: tuple[int, ...]) -> None:
    """One that was given out before the app's keys changed."""
    with pytest.raises(InvalidCursor):
        compile_query(SHOP, LISTING, everything(SHOP), dialect="duckdb", as_of=AS_OF, after=after)
