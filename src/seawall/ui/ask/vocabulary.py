"""What one set of rights may ask about, as the choices of a form: never a name that the policy hides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from seawall.app.expressions import columns_of
from seawall.app.model import App, DataType, Field, Metric
from seawall.app.paths import AmbiguousPath, NoPath, join_path
from seawall.query.compile_names import Vocabulary, datasets_of
from seawall.query.policy import EffectivePolicy
from seawall.query.sql_tree import tree_of
from seawall.ui.recent import Recent

GROUPED: frozenset[DataType] = frozenset({"String", "Boolean"})
"""Types whose values name groups."""
NUMBERS: frozenset[DataType] = frozenset({"Integer", "Decimal", "Float"})
REACHES_MAX = 256


class Offered:
    """The visible metrics and fields of an app, in the order in which it declares them."""

    def __init__(self, app: App, policy: EffectivePolicy) -> None:
        self.app = app
        visible = Vocabulary(app, policy)
        self.metrics: tuple[Metric, ...] = tuple(metric for metric in app.semantics.metrics.values() if _is_shown(app, metric, visible))
        self.fields: tuple[Field, ...] = tuple(
            field
            for dataset in app.semantics.datasets.values()
            if dataset.name in policy.datasets
            for field in dataset.fields.values()
            if not visible.is_masked(field)
        )
        self._reached: Recent[frozenset[str], frozenset[str]] = Recent(REACHES_MAX)

    def groups(self, metrics: Sequence[str]) -> tuple[Field, ...]:
        """The fields by which all of these metrics can be told apart."""
        return self._of(metrics, GROUPED)

    def conditions(self, metrics: Sequence[str]) -> tuple[Field, ...]:
        """The fields on which all of these metrics can be conditional."""
        return self._of(metrics, GROUPED | NUMBERS)

    def _of(self, metrics: Sequence[str], types: Iterable[DataType]) -> tuple[Field, ...]:
        reached = self._reach(metrics)
        keys = {f"{one.name}.{key}" for one in self.app.semantics.datasets.values() for key in one.primary_key}
        return tuple(one for one in self.fields if one.dataset in reached and one.datatype in types and one.ref not in keys)

    def _reach(self, metrics: Sequence[str]) -> frozenset[str]:
        """The datasets that every fact behind these metrics leads to; all of them when there is no metric."""
        known = self.app.semantics.metrics
        facts = frozenset(fact for name in metrics if name in known for fact in datasets_of(known[name]))
        return self._reached.get(facts) or self._reached.put(facts, frozenset(self._reached_from(facts)))

    def _reached_from(self, facts: frozenset[str]) -> Iterable[str]:
        for name in self.app.semantics.datasets:
            if all(self._leads(fact, name) for fact in facts):
                yield name

    def _leads(self, fact: str, name: str) -> bool:
        try:
            join_path(self.app.semantics, fact, name)
        except (NoPath, AmbiguousPath):
            return False
        return True


def _is_shown(app: App, metric: Metric, visible: Vocabulary) -> bool:
    """Whether the policy shows the metric's values: its datasets may be read, and nothing that it counts or adds up is masked."""
    if not datasets_of(metric) <= visible.policy.datasets.keys():
        return False
    refs = (f"{dataset}.{name}" for dataset, name in columns_of(tree_of(metric.expression)) if dataset)
    return not any(visible.is_masked(app.semantics.field(ref)) for ref in refs)
