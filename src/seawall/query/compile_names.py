"""Names as one principal knows them: what may not be read is worded exactly like what does not exist.

Error texts list and suggest visible names only.
"""

from __future__ import annotations

from difflib import get_close_matches

from seawall.app.model import App, Dataset, Field, Metric
from seawall.core.errors import NotFound
from seawall.query.errors import InvalidQuery
from seawall.query.policy import EffectivePolicy, hidden_fields
from seawall.query.sql_tree import datasets_in

NAMES_TOLD_MAX = 20
"""An error that knows no name like the one given tells so many of those there are."""


class Vocabulary:
    """The part of an app's semantics that a policy leaves visible."""

    def __init__(self, app: App, policy: EffectivePolicy) -> None:
        self.app = app.name
        self.semantics = app.semantics
        self.policy = policy
        self._hidden = hidden_fields(app.semantics, {name: access.masked for name, access in policy.datasets.items()})

    def dataset(self, name: str) -> Dataset:
        """The dataset. NotFound when there is none, or none this principal may know of."""
        if name not in self.policy.datasets or name not in self.semantics.datasets:
            raise _unknown("dataset", name, self._datasets())
        return self.semantics.datasets[name]

    def field(self, ref: str, home: str = "") -> Field:
        """The field `dataset.name`; a bare name is looked for in `home` first, then must be unique among visible datasets."""
        dataset, dot, name = ref.partition(".")
        if not dot:
            return self._bare(ref, home)
        if dataset not in self._datasets() or name not in self.semantics.datasets[dataset].fields:
            raise _unknown("field", ref, self._refs())
        return self.semantics.datasets[dataset].fields[name]

    def metric(self, name: str) -> Metric:
        """The metric. NotFound when there is none, or when it reads a dataset this principal may not know of."""
        if name not in self.semantics.metrics or not self._readable(self.semantics.metrics[name]):
            raise _unknown("metric", name, [key for key, metric in self.semantics.metrics.items() if self._readable(metric)])
        return self.semantics.metrics[name]

    def time_field(self, dataset: str) -> Field:
        """The dataset's default time field."""
        found = self.dataset(dataset)
        if not found.time:
            raise InvalidQuery(f"The dataset {dataset} has no time field", fix="Name the time field, or give the dataset a default one")
        return found.fields[found.time.rpartition(".")[2]]

    def is_masked(self, field: Field) -> bool:
        """Whether this principal may not see the field's values: it is masked, or shares a column with a masked one.

        Of every dataset over the same table, by any case of the column's name (`policy.hidden_fields`).
        """
        return field.name in self._hidden.get(field.dataset, ())

    def _bare(self, name: str, home: str) -> Field:
        if home and home in self._datasets() and name in self.semantics.datasets[home].fields:
            return self.semantics.datasets[home].fields[name]
        found = [dataset for dataset in self._datasets() if name in self.semantics.datasets[dataset].fields]
        if not found:
            raise _unknown("field", name, [ref.partition(".")[2] for ref in self._refs()])
        if len(found) > 1:
            choices = ", ".join(f"{dataset}.{name}" for dataset in found)
            raise InvalidQuery(f"Several datasets have a field {name}", expected=f"one of {choices}", got=name)
        return self.semantics.datasets[found[0]].fields[name]

    def _datasets(self) -> list[str]:
        return sorted(name for name in self.semantics.datasets if name in self.policy.datasets)

    def _refs(self) -> list[str]:
        return [f"{name}.{field}" for name in self._datasets() for field in self.semantics.datasets[name].fields]

    def _readable(self, metric: Metric) -> bool:
        return all(name in self.policy.datasets for name in datasets_of(metric))


def datasets_of(metric: Metric) -> frozenset[str]:
    """The datasets whose fields the metric aggregates."""
    return datasets_in(metric.expression)


def _unknown(kind: str, name: str, visible: list[str]) -> NotFound:
    names = sorted(set(visible))
    if close := get_close_matches(name, names, n=3):
        return NotFound(f"There is no {kind} named {name[:80]}", fix=f"Did you mean {' or '.join(close)}?")
    told = ", ".join(names[:NAMES_TOLD_MAX]) + (", …" if len(names) > NAMES_TOLD_MAX else "")
    return NotFound(f"There is no {kind} named {name[:80]}", expected=f"one of {told}" if names else "")
