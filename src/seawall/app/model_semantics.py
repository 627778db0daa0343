"""What the words of an app mean, in the terms of Apache Ossie: datasets, fields, relationships, metrics."""

from __future__ import annotations

from typing import Literal

from seawall.app.model_words import Format, Text, Value

DataType = Literal["String", "Integer", "Decimal", "Float", "Boolean", "Date", "Time", "DateTime", "DateTimeTz", "Opaque"]
DATED: tuple[DataType, ...] = ("Date", "DateTime", "DateTimeTz")
"""Types whose values lie on days."""


class Field(Value, frozen=True):
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

    @property
    def is_dated(self) -> bool:
        """Whether its values lie on days, so that they can be cut to a grain and asked about by period."""
        return self.is_time and self.datatype in DATED


class Dataset(Value, frozen=True):
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


class Relationship(Value, frozen=True):
    """Many rows of `from_` to one row of `to`. Columns are physical columns of the two sources."""

    name: str
    from_: str
    to: str
    from_columns: tuple[str, ...]
    to_columns: tuple[str, ...]
    preferred: bool = False
    """Chosen when several paths of equal length lead to the same dataset."""


class Metric(Value, frozen=True):
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


class Semantics(Value, frozen=True):
    """The vocabulary of one app."""

    datasets: dict[str, Dataset]
    relationships: tuple[Relationship, ...]
    metrics: dict[str, Metric]

    def field(self, ref: str) -> Field:
        """The field named `dataset.field`. KeyError when there is none."""
        dataset, _, name = ref.partition(".")
        return self.datasets[dataset].fields[name]
