"""The nouns of an app, as immutable values. `load.py` makes them, `check.py` has vouched for them.

Everything here is data: names refer to names, expressions are SQL text that passed the allow-listed grammar of
`expressions.py`. Nothing else may be assumed of it: whoever wrote the app is not trusted.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from seawall.app.prompt import Prompt
from seawall.core.digest import digest

Scalar = str | int | float | bool | None
Grain = Literal["hour", "day", "week", "month", "quarter", "year"]
Operator = Literal["eq", "ne", "in", "not_in", "lt", "le", "gt", "ge", "contains", "starts_with", "is_null", "not_null", "during"]
DataType = Literal["String", "Integer", "Decimal", "Float", "Boolean", "Date", "Time", "DateTime", "DateTimeTz", "Opaque"]
Mark = Literal["line", "bar", "area", "point", "rule", "number", "table"]
Channel = Literal["x", "x2", "y", "y2", "color", "size", "tooltip"]
FieldType = Literal["quantitative", "temporal", "nominal", "ordinal"]
COLORS = ("accent", "blue", "vermilion", "purple", "slate", "orange", "sky", "green", "yellow", "grey")
"""Colours of charts by name: the accent, the palette in its order, and the colour of what has none of its own."""
DEFAULT_LOCALE = "en"


class _Value(msgspec.Struct, frozen=True, omit_defaults=True):
    """A frozen value."""


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Text(_Value, frozen=True):
    """A text in one or more languages. `Text({"en": "Sales", "de": "Umsatz"})`."""

    by_locale: dict[str, str]

    def in_locale(self, locale: str) -> str:
        """The text in `locale`, else its language, else English, else whichever there is."""
        for key in (locale, locale.partition("-")[0], DEFAULT_LOCALE):
            if key in self.by_locale:
                return self.by_locale[key]
        return next(iter(self.by_locale.values()), "")


class Format(_Value, frozen=True):
    """How a value is shown. `style` currency needs `currency` (ISO 4217); `decimals` is a maximum."""

    style: Literal["number", "integer", "percent", "currency", "date", "week", "month", "datetime", "text"] = "number"
    currency: str = ""
    unit: str = ""
    decimals: int | None = None
    compact: bool = False
    """1.2M rather than 1,234,567."""


# ── semantics (Apache Ossie) ─────────────────────────────────────────────────────────────────────────────────────


class Field(_Value, frozen=True):
    """A row-level attribute of a dataset."""

    dataset: str
    name: str
    expression: str
    """ANSI SQL over the columns of the dataset's own table."""
    datatype: DataType
    label: Text
    description: str = ""
    definition: Text = Text({})
    """The description in the languages of those who read it; in English alone when the extension gives no others."""
    synonyms: tuple[str, ...] = ()
    is_time: bool = False
    format: Format = Format()
    week_starts: Literal["monday", "sunday", "saturday"] = "monday"
    """Where `grain: week` cuts this field."""

    @property
    def ref(self) -> str:
        """`dataset.field`, the name that is unique in the app."""
        return f"{self.dataset}.{self.name}"


class Dataset(_Value, frozen=True):
    """A table with meaning: its fields, its key and where it is kept."""

    name: str
    source: str
    """A catalogued table's name (letters, digits, underscores), never a path or a query."""
    fields: dict[str, Field]
    primary_key: tuple[str, ...] = ()
    unique_keys: tuple[tuple[str, ...], ...] = ()
    time: str = ""
    """The field that `by: week` and relative periods mean for this dataset; empty when it has none."""
    engine: Literal["warehouse", "operational"] = "warehouse"
    label: Text = Text({})
    description: str = ""
    synonyms: tuple[str, ...] = ()


class Relationship(_Value, frozen=True):
    """Many rows of `from_` to one row of `to`. Columns are physical columns of the two sources."""

    name: str
    from_: str
    to: str
    from_columns: tuple[str, ...]
    to_columns: tuple[str, ...]
    preferred: bool = False
    """Chosen when several paths of equal length lead to the same dataset."""


class Metric(_Value, frozen=True):
    """A measure. Its expression aggregates fields written `dataset.field`; it may span several datasets."""

    name: str
    expression: str
    datatype: DataType
    label: Text
    description: Text = Text({})
    synonyms: tuple[str, ...] = ()
    format: Format = Format()
    better: Literal["up", "down", "neither"] = "up"
    """Which direction is good news; decides the colour and the word of a comparison."""


class Semantics(_Value, frozen=True):
    """The vocabulary of one app."""

    datasets: dict[str, Dataset]
    relationships: tuple[Relationship, ...]
    metrics: dict[str, Metric]

    def field(self, ref: str) -> Field:
        """The field named `dataset.field`. KeyError when there is none."""
        dataset, _, name = ref.partition(".")
        return self.datasets[dataset].fields[name]


# ── what is asked ────────────────────────────────────────────────────────────────────────────────────────────────


class Dimension(_Value, frozen=True):
    """What to group by: a field, or with field "" the default time field of each fact, cut to `grain`."""

    name: str
    """The output column's name: the field's own name, or the grain's."""
    field: str = ""
    grain: Grain | None = None


class Filter(_Value, frozen=True):
    """A condition on a field (`dataset.field`, or "" for each fact's default time field).

    `contains` and `starts_with` ignore case. `during` takes one period, `2017-01-01..2017-03-31` (both days inside),
    `last_4_weeks` (complete at the watermark) or `this_month`. Rows without a value match `is_null` only.
    """

    field: str
    op: Operator
    values: tuple[Scalar, ...] = ()


class Order(_Value, frozen=True):
    """Sort by an output column (metric queries) or a field name (row queries)."""

    name: str
    descending: bool = False


class MetricQuery(_Value, frozen=True, tag="metrics"):
    """Metrics by dimensions."""

    metrics: tuple[str, ...]
    by: tuple[Dimension, ...] = ()
    where: tuple[Filter, ...] = ()
    order: tuple[Order, ...] = ()
    limit: int | None = None
    last: int | None = None
    """With a single time dimension: only the last N periods that are complete at the watermark's date."""


class RowsQuery(_Value, frozen=True, tag="rows"):
    """Raw rows of one dataset, paged by key."""

    dataset: str
    columns: tuple[str, ...]
    keyset: tuple[Order, ...]
    """The sort, whose fields together must be unique (checked against the keys)."""
    where: tuple[Filter, ...] = ()
    limit: int = 100
    count: Literal["none", "estimate", "exact"] = "none"


Query = MetricQuery | RowsQuery


# ── what is shown ────────────────────────────────────────────────────────────────────────────────────────────────


class Encoding(_Value, frozen=True):
    """One channel of a chart (a subset of Vega-Lite's)."""

    field: str = ""
    type: FieldType | None = None
    title: Text | None = None
    format: Format | None = None
    scale_zero: bool | None = None
    scale_type: Literal["linear", "log", "time", "band"] | None = None
    axis: bool = True
    legend: bool = True
    sort: Literal["ascending", "descending", "none"] = "none"
    value: float | str | None = None
    """A constant instead of a field: a rule's position or a range's end, one of `COLORS`, a dot's surface in square pixels."""


class Layer(_Value, frozen=True):
    """A mark and its channels. `tooltip` may hold several encodings, every other channel one."""

    mark: Mark
    encoding: dict[Channel, tuple[Encoding, ...]] = {}


class Chart(_Value, frozen=True):
    """One or more layers over the panel's rows, in drawing order."""

    layers: tuple[Layer, ...]
    height_px: int = 240


class Outage(_Value, frozen=True):
    """The rungs allowed below fresh and cached. After the last of them comes the sentence that says what is wrong."""

    stale_max_age_seconds: float | None = 86_400.0
    """How old an answer may be and still be shown; None: never stale."""
    summary: bool = True
    """Whether the last good answer, however old, may be shown when stale is not allowed any more."""


class Similar(_Value, frozen=True):
    """A row panel that finds rows like a chosen one, or like some words, by what describes them."""

    text: tuple[str, ...]
    """The dataset's own fields whose values together describe a row."""
    row: str
    """The page's filter that chooses a row by its key."""
    words: str = ""
    """The page's filter that holds words to look for; empty: there is none."""

    @property
    def filters(self) -> tuple[str, ...]:
        """Both filters, as far as there are any."""
        return (self.row, self.words) if self.words else (self.row,)


class Comparison(_Value, frozen=True):
    """What a big number is compared with."""

    period: Literal["previous", "year_ago"] = "previous"


class Panel(_Value, frozen=True):
    """One answer on a page."""

    name: str
    title: Text
    query: Query
    chart: Chart
    description: Text = Text({})
    finding: Literal["", "top_share", "latest_change", "peak", "largest_mover"] = ""
    """Which sentence, made from the rows, is the headline; empty: the title."""
    filters: tuple[str, ...] = ()
    """The page's filters that touch this panel."""
    compare: Comparison | None = None
    fresh_for_seconds: float = 86_400.0
    """How long an answer of one watermark counts as fresh (operational data wants less)."""
    on_outage: Outage = Outage()
    deadline_ms: float | None = None
    similar: Similar | None = None
    """Of a row panel; its two filters choose what is alike and are no conditions."""

    @property
    def digest(self) -> str:
        """Names what the panel asks and shows, for cache keys."""
        return digest(self)


class PageFilter(_Value, frozen=True):
    """A control over a page's panels; its value lives in the URL under its name."""

    name: str
    field: str
    """`dataset.field`, or "" for the period."""
    label: Text
    control: Literal["select", "multiselect", "text", "range", "period"] = "select"
    options_limit: int = 100


class Page(_Value, frozen=True):
    """A title, filters, and panels laid out in rows."""

    name: str
    title: Text
    panels: dict[str, Panel]
    layout: tuple[tuple[str, ...], ...]
    filters: dict[str, PageFilter] = {}
    description: Text = Text({})


# ── who may see what ─────────────────────────────────────────────────────────────────────────────────────────────


class Role(_Value, frozen=True):
    """A name principals carry, and the roles it includes."""

    name: str
    extends: tuple[str, ...] = ()


class RowPolicy(_Value, frozen=True):
    """Rows are visible where `field op value`. The value is the principal's attribute or a constant."""

    field: str
    """`dataset.field`; of this dataset or one reached by many-to-one relationships."""
    op: Operator
    attribute: str = ""
    """`user.NAME`. A principal without it sees no row."""
    values: tuple[Scalar, ...] = ()
    unless: tuple[str, ...] = ()


class Policy(_Value, frozen=True):
    """The rule of one dataset. All row policies must hold."""

    dataset: str
    roles: tuple[str, ...] = ()
    """Who may read it at all; empty: every role of the app."""
    rows: tuple[RowPolicy, ...] = ()
    mask: dict[str, tuple[str, ...]] = {}
    """Field name → the roles that see it unmasked."""


class App(_Value, frozen=True):
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
    prompts: dict[str, Prompt] = {}

    @property
    def engines(self) -> frozenset[str]:
        """Where its datasets are kept: `warehouse`, `operational`."""
        return frozenset(dataset.engine for dataset in self.semantics.datasets.values())


class Bundle(_Value, frozen=True):
    """An app's immutable build, named by the digest of its files."""

    app: App
    digest: str
    """SHA-256 over the folder's files, 64 hexadecimal digits; the same folder gives the same on any machine."""
    files: dict[str, str] = {}
    """Relative path → SHA-256 of its bytes."""
