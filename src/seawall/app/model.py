"""The nouns of an app, as immutable values. `load.py` makes them, `check.py` has vouched for them.

Everything here is data: names refer to names, expressions are SQL text that passed the allow-listed grammar of
`expressions.py`. Nothing else may be assumed of it: whoever wrote the app is not trusted. Each kind of noun has a module of its
own (`model_words.py` and so on); all of them can be had from here.
"""

from __future__ import annotations

import msgspec

from seawall.app.model_access import Policy, Role, RowPolicy
from seawall.app.model_chart import COLORS, Channel, Chart, Encoding, FieldType, Layer, Mark
from seawall.app.model_page import FRESH_SECONDS, Comparison, Outage, Page, PageFilter, Panel, Similar
from seawall.app.model_query import Dimension, Filter, Grain, MetricQuery, Operator, Order, Query, RowsQuery
from seawall.app.model_semantics import DATED, Dataset, DataType, Field, Metric, Relationship, Semantics
from seawall.app.model_words import DEFAULT_LOCALE, Format, Scalar, Text, Value
from seawall.app.prompt import Prompt

__all__ = [
    "COLORS",
    "DATED",
    "DEFAULT_LOCALE",
    "FRESH_SECONDS",
    "App",
    "Bundle",
    "Channel",
    "Chart",
    "Comparison",
    "DataType",
    "Dataset",
    "Dimension",
    "Encoding",
    "Field",
    "FieldType",
    "Filter",
    "Format",
    "Grain",
    "Layer",
    "Mark",
    "Metric",
    "MetricQuery",
    "Operator",
    "Order",
    "Outage",
    "Page",
    "PageFilter",
    "Panel",
    "Policy",
    "Query",
    "Relationship",
    "Role",
    "RowPolicy",
    "RowsQuery",
    "Scalar",
    "Semantics",
    "Similar",
    "Text",
]


class App(Value, frozen=True):
    """All of it."""

    name: str
    title: Text
    semantics: Semantics
    roles: dict[str, Role]
    policies: dict[str, Policy]
    pages: dict[str, Page]
    locales: tuple[str, ...] = (DEFAULT_LOCALE,)
    prepare: str = ""
    """Which registered data preparation fills its tables; empty: the data is already there."""
    prompts: dict[str, Prompt] = msgspec.field(default_factory=dict)

    @property
    def engines(self) -> frozenset[str]:
        """Where its datasets are kept: `warehouse`, `operational`."""
        return frozenset(dataset.engine for dataset in self.semantics.datasets.values())


class Bundle(Value, frozen=True):
    """An app's immutable build, named by the digest of its files."""

    app: App
    digest: str
    """SHA-256 over the folder's files, 64 hexadecimal digits; the same folder gives the same on any machine."""
    files: dict[str, str] = msgspec.field(default_factory=dict)
    """Relative path → SHA-256 of its bytes."""
