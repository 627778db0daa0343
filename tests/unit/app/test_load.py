"""A sound folder becomes an immutable bundle; a faulty one an error that carries every fault."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.unit.app.samples import APP, edited, write_app

from seawall.app.faults import InvalidApp
from seawall.app.load import load_bundle
from seawall.app.model import Bundle, Dimension, Encoding, Filter, MetricQuery, Order, Outage, RowPolicy, RowsQuery
from seawall.app.suggest import suggestion


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    """The sample app."""
    return load_bundle(write_app(tmp_path))


def test_names_are_resolved(bundle: Bundle) -> None:
    """Grains, bare names and both forms of conditions become full references with typed values."""
    query = bundle.app.pages["demand"].panels["trend"].query
    assert query == MetricQuery(
        metrics=("revenue",),
        by=(Dimension("week", "", "week"), Dimension("region", "stores.region")),
        where=(Filter("stores.region", "ne", ("North",)), Filter("sales.amount", "gt", (0,))),
        order=(Order("revenue", descending=True),),
        limit=500,
        last=13,
    )


def test_rows_keep_their_own_columns_bare(bundle: Bundle) -> None:
    """A row query's own fields have bare names, those of other datasets full ones."""
    query = bundle.app.pages["demand"].panels["rows"].query
    assert isinstance(query, RowsQuery)
    assert query.columns == ("sold_at", "sale", "amount", "stores.region")
    assert query.keyset == (Order("sold_at", descending=True), Order("sale"))


def test_filters_touch_the_panels_they_reach(bundle: Bundle) -> None:
    """Without a list of its own a panel takes every filter of the page that its datasets reach."""
    panels = bundle.app.pages["demand"].panels
    assert panels["trend"].filters == ("region", "period")
    assert panels["total"].filters == ("region",)


def test_charts_are_filled_from_the_columns(bundle: Bundle) -> None:
    """Marks and channels left out come from the query; types from the columns."""
    panels = bundle.app.pages["demand"].panels
    assert [layer.mark for name in ("trend", "total", "rows") for layer in panels[name].chart.layers] == ["line", "table", "table"]
    assert panels["trend"].chart.layers[0].encoding["x"] == (Encoding(field="week", type="temporal"),)


def test_policies_and_outages_are_read(bundle: Bundle) -> None:
    """Row policies name full fields; rungs become what the ladder asks."""
    policy = bundle.app.policies["sales"]
    assert policy.rows == (RowPolicy("stores.region", "in", "user.regions", (), ("approver",)),)
    assert policy.mask == {"customer": ("approver",)}
    assert bundle.app.pages["demand"].panels["trend"].on_outage == Outage(86_400.0, summary=True)


@pytest.mark.parametrize(
    ("rungs", "expected"),
    [
        ("{serve: stale, max_age: 1h, else: explanation}", Outage(3600.0, summary=False)),
        ("{serve: summary}", Outage(None, summary=True)),
        ("{serve: explanation}", Outage(None, summary=False)),
        ("{}", Outage()),
    ],
)
def test_every_ladder_can_be_declared(tmp_path: Path, rungs: str, expected: Outage) -> None:
    """Each combination of rungs has one meaning."""
    app = edited(APP, "{serve: stale, max_age: 24h, else: summary}", rungs)
    assert load_bundle(write_app(tmp_path, app=app)).app.pages["demand"].panels["trend"].on_outage == expected


def test_a_bundle_survives_being_sent(bundle: Bundle) -> None:
    """Encoded and decoded it is equal, and panels keep their digests."""
    again = msgspec.json.decode(msgspec.json.encode(bundle), type=Bundle)
    assert again == bundle
    assert again.app.pages["demand"].panels["trend"].digest == bundle.app.pages["demand"].panels["trend"].digest


def test_a_faulty_app_raises_all_its_faults(tmp_path: Path) -> None:
    """The error is one sentence; the faults are with it."""
    app = edited(edited(APP, "metric: revenue", "metric: revenu"), "limit: 500", "limit: 0")
    with pytest.raises(InvalidApp) as caught:
        load_bundle(write_app(tmp_path, app=app))
    assert [fault.code for fault in caught.value.faults] == ["unknown_metric", "out_of_range"]
    assert "2 faults" in caught.value.sentence()


def test_suggestions_name_the_nearest_or_list_some() -> None:
    """A slip is corrected; something else gets the choices."""
    assert suggestion("net_sale", ["net_sales", "units"]) == "Did you mean `net_sales`?"
    assert suggestion("departmnt", ["products.department"]) == "Did you mean `products.department`?"
    assert suggestion("zzz", ["a", "b"]) == "Use one of `a`, `b`"
