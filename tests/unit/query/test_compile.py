"""The statement itself: what stands in it, what may not, and what names it answers to."""

from __future__ import annotations

import re
from datetime import date

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp, parse_one
from tests.unit.query.star import BY_GROUP, SEMANTICS, app, everything, metric, viewer

from seawall.app.model import Dimension, Filter, MetricQuery, Order, Policy, Query, Relationship, RowPolicy, RowsQuery
from seawall.core.errors import NotFound, SeawallError
from seawall.query.compile_query import build, compile_query
from seawall.query.errors import InvalidQuery
from seawall.query.policy import EffectivePolicy, resolve
from seawall.query.sql_guard import is_wrapped, vouch

GUARDED = app(
    {
        "sales": Policy("sales", (), (BY_GROUP,), {"household_id": ("board",)}),
        "products": Policy("products", (), (RowPolicy("products.brand", "eq", values=("own",)),)),
        "stores": Policy("stores", (), (RowPolicy("regions.region", "ne", values=("mars",)),)),
    }
)
VIEWER = resolve(GUARDED, viewer(store_groups=("north",)))
AS_OF = date(2017, 12, 31)
WEEK = Dimension("week", "", "week")
DEPARTMENT = Dimension("department", "products.department")


def text(query: Query, policy: EffectivePolicy = VIEWER, dialect: str = "duckdb") -> str:
    return compile_query(GUARDED, query, policy, dialect=dialect, as_of=AS_OF).sql


QUESTIONS: tuple[Query, ...] = (
    MetricQuery(("revenue",)),
    MetricQuery(("net", "return_rate", "grocery_revenue"), (WEEK, DEPARTMENT), (Filter("regions.region", "eq", ("east",)),), last=4),
    MetricQuery(("households", "basket_value"), (Dimension("g", "stores.store_group"),), order=(Order("households", True),), limit=3),
    MetricQuery((), (DEPARTMENT,), limit=5),
    RowsQuery("sales", ("amount", "products.department", "household_id"), (Order("sold_at", True),), (Filter("units", "gt", (1,)),)),
)


@pytest.mark.parametrize("query", QUESTIONS)
@pytest.mark.parametrize("dialect", ["duckdb", "postgres"])
def test_every_table_is_inside_its_policy(query: Query, dialect: str) -> None:
    """Walk the final tree: each table is the whole FROM of a sub-select that holds every one of its predicates."""
    tree, _ = build(GUARDED, query, VIEWER, dialect=dialect, as_of=AS_OF)
    ctes = {cte.alias for cte in tree.find_all(exp.CTE)}
    tables = [table for table in tree.find_all(exp.Table) if table.name not in ctes]
    assert tables
    for table in tables:
        select = table.find_ancestor(exp.Select)
        assert is_wrapped(table, {name: dataset.source for name, dataset in SEMANTICS.datasets.items()})
        predicates = VIEWER.datasets[table.name.removeprefix("t_")].predicates
        where = select.args["where"].sql() if select.args.get("where") else ""
        assert all(f'"{wanted.field.partition(".")[2]}"' in where for wanted in predicates)
        masks = {alias.alias: alias.this for alias in select.expressions if isinstance(alias, exp.Alias)}
        assert all(isinstance(masks[name].this, exp.Null) for name in ("household_id", "household") if name in masks)


def test_a_table_outside_a_wrapper_is_refused() -> None:
    """The last look does not trust the compiler."""
    for sql in ('SELECT 1 FROM "t_sales"', 'SELECT 1 FROM (SELECT 1 FROM "t_sales" AS "base") AS "sales"'):
        with pytest.raises(InvalidQuery, match="outside its policy"):
            vouch(parse_one(sql), SEMANTICS)


@pytest.mark.parametrize(
    "sql", ["SELECT read_text('/etc/passwd')", "SELECT * FROM read_csv('x')", "SELECT pg_sleep(9)", "SELECT sum(1) OVER ()"]
)
def test_what_the_compiler_never_emits_is_refused(sql: str) -> None:
    """Unknown functions, table functions and windows do not pass the last look."""
    with pytest.raises(InvalidQuery):
        vouch(parse_one(sql, dialect="duckdb"), SEMANTICS)


HOSTILE = ("x'; DROP TABLE t_sales; --", '"', "$1", "\\", "%", "Ω≈ç\n")


@settings(max_examples=60)
@given(
    value=st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=30))
)
def test_values_are_bound_never_text(value: str) -> None:
    """The same SQL whatever the value; the value is a parameter."""
    plain = MetricQuery(("revenue",), (), (Filter("products.department", "eq", ("GROCERY",)),))
    query = MetricQuery(("revenue",), (), (Filter("products.department", "eq", (value,)),))
    compiled = compile_query(GUARDED, query, VIEWER, dialect="duckdb", as_of=AS_OF)
    assert compiled.sql == text(plain)
    assert value in compiled.parameters
    assert sorted(map(int, re.findall(r"\$(\d+)", compiled.sql))) == list(range(1, len(compiled.parameters) + 1))


@pytest.mark.parametrize(
    "query",
    [
        MetricQuery(("plans",)),
        MetricQuery((), (Dimension("plan", "secrets.plan"),)),
        MetricQuery(("revenue",), (), (Filter("secrets.plan", "eq", ("x",)),)),
        RowsQuery("secrets", ("plan",), (Order("secret_id"),)),
        RowsQuery("sales", ("secrets.plan",), (Order("sale_id"),)),
    ],
)
def test_what_may_not_be_seen_is_worded_like_what_does_not_exist(query: Query) -> None:
    """The error for a hidden name equals the error for an invented one, but for the name."""

    def error(asked: Query) -> str:
        with pytest.raises(NotFound) as caught:
            text(asked)
        return f"{type(caught.value).__name__} {caught.value.sentence()}"

    invented = msgspec.json.decode(msgspec.json.encode(query).replace(b"secrets", b"sicrets").replace(b"plans", b"plons"), type=type(query))
    assert error(query).replace("secrets", "sicrets").replace("plans", "plons") == error(invented)


def test_no_join_leads_through_a_dataset_that_may_not_be_read() -> None:
    """Regions are readable and stores, by which sales reach them, are not: that is worded like having no path."""
    shop = app({"stores": Policy("stores", ("board",))})
    reached = MetricQuery(("revenue",), (Dimension("region", "regions.region"),))
    with pytest.raises(InvalidQuery, match="sales cannot be grouped or filtered by regions"):
        compile_query(shop, reached, resolve(shop, viewer()), dialect="duckdb", as_of=AS_OF)
    compile_query(shop, reached, everything(shop), dialect="duckdb", as_of=AS_OF)


def test_suggestions_name_only_what_is_visible() -> None:
    """A typo near a hidden metric is not helped towards it."""
    with pytest.raises(NotFound) as caught:
        text(MetricQuery(("planz",)))
    assert "plans" not in caught.value.sentence()
    with pytest.raises(NotFound, match="Did you mean"):
        text(MetricQuery(("revenu",)))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (MetricQuery(("products_known",), (WEEK,)), "no time field"),
        (MetricQuery(("products_known",), (Dimension("g", "stores.store_group"),)), "cannot be grouped"),
        (MetricQuery(("revenue",), (Dimension("revenue", "products.department"),)), "same name"),
        (MetricQuery(("revenue",), order=(Order("units"),)), "not in the answer"),
        (MetricQuery(("revenue",), limit=-1), "out of bounds"),
        (MetricQuery(("revenue",), last=3), "one time dimension"),
        (MetricQuery(("revenue",), (Dimension("week", "products.department", "week"),)), "not a time"),
        (MetricQuery(()), "asks for nothing"),
        (MetricQuery(("revenue",), (), (Filter("sales.units", "eq", ("many",)),)), "wrong type"),
        (MetricQuery(("revenue",), (), (Filter("sales.units", "in", tuple(range(1001))),)), "Too many"),
        (MetricQuery(("revenue",), (), (Filter("sales.units", "contains", ("1",)),)), "Text search"),
        (MetricQuery(("revenue",), (), (Filter("", "during", ("soon",)),)), "not a period"),
        (RowsQuery("sales", (), (Order("sale_id"),)), "names that differ"),
        (RowsQuery("sales", ("amount",), (Order("household_id"), Order("sale_id"))), "hidden here"),
        (RowsQuery("sales", ("amount",), (Order("products.department"),)), "own dataset"),
    ],
)
def test_what_cannot_be_asked_says_why(query: Query, words: str) -> None:
    """Wrong questions are refused in words, before any database sees them."""
    with pytest.raises(InvalidQuery, match=words):
        text(query)


def test_policies_that_refer_to_each_other_in_a_circle_are_refused() -> None:
    """A circle of row policies is an error, not an endless statement."""
    looped = (*SEMANTICS.relationships, Relationship("back", "stores", "sales", ("store_id",), ("sale_id",)))
    semantics = type(SEMANTICS)(SEMANTICS.datasets, looped, SEMANTICS.metrics)
    by_sales = Policy("stores", (), (RowPolicy("sales.units", "gt", values=(1,)),))
    circular = app({"sales": Policy("sales", (), (BY_GROUP,)), "stores": by_sales}, semantics)
    policy = resolve(circular, viewer(store_groups=("a",)))
    with pytest.raises(InvalidQuery, match="circle"):
        compile_query(circular, MetricQuery(("revenue",)), policy, dialect="duckdb", as_of=AS_OF)


def test_a_limited_answer_is_ordered_to_the_last_tie() -> None:
    """Dimensions follow the order asked for."""
    assert 'ORDER BY "revenue" DESC NULLS LAST, "week" ASC, "department" ASC' in text(
        MetricQuery(("revenue",), (WEEK, DEPARTMENT), order=(Order("revenue", True),), limit=5), dialect="postgres"
    )


def test_one_query_reads_one_engine() -> None:
    """A metric of the warehouse cannot be grouped by an operational table."""
    datasets = SEMANTICS.datasets | {"products": msgspec.structs.replace(SEMANTICS.datasets["products"], engine="operational")}
    mixed = app(semantics=msgspec.structs.replace(SEMANTICS, datasets=datasets))
    with pytest.raises(InvalidQuery, match="one engine"):
        compile_query(mixed, MetricQuery(("revenue",), (DEPARTMENT,)), everything(mixed), dialect="duckdb", as_of=AS_OF)


def test_operational_tables_are_named_with_their_apps_schema() -> None:
    """Also where a policy reads them; a generation's tables have no schema."""
    datasets = {name: msgspec.structs.replace(dataset, engine="operational") for name, dataset in SEMANTICS.datasets.items()}
    stored = app(semantics=msgspec.structs.replace(SEMANTICS, datasets=datasets))
    query = MetricQuery(("revenue",), (DEPARTMENT,))
    compiled = compile_query(stored, query, everything(stored), dialect="postgres", as_of=AS_OF)
    tables = [table for table in parse_one(compiled.sql, dialect="postgres").find_all(exp.Table) if " " not in table.name]
    assert {table.db for table in tables} == {"app_shop"}
    assert '"app_' not in text(query, dialect="postgres")


def test_a_source_that_is_not_a_table_name_is_refused() -> None:
    """Even an unchecked app cannot name a file."""
    datasets = SEMANTICS.datasets | {"sales": msgspec.structs.replace(SEMANTICS.datasets["sales"], source="/etc/passwd")}
    hostile = app(semantics=msgspec.structs.replace(SEMANTICS, datasets=datasets))
    with pytest.raises(InvalidQuery, match="not a table's name"):
        compile_query(hostile, MetricQuery(("revenue",)), everything(hostile), dialect="duckdb", as_of=AS_OF)


@pytest.mark.parametrize(
    "expression", ["read_text('/etc/passwd')", "(SELECT max(plan) FROM t_secrets)", "getenv('HOME')", "SUM(sales.amount) OVER ()"]
)
def test_an_expression_outside_the_grammar_never_compiles(expression: str) -> None:
    """A hostile metric that skipped the check is refused here."""
    metrics = SEMANTICS.metrics | {"evil": metric("evil", expression)}
    hostile = app(semantics=msgspec.structs.replace(SEMANTICS, metrics=metrics))
    with pytest.raises(SeawallError):
        compile_query(hostile, MetricQuery(("evil",)), everything(hostile), dialect="duckdb", as_of=AS_OF)
