"""What names mean: datasets, fields and metrics by name, how they reach each other, and where each was declared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from seawall.app.expressions import aggregates_of, columns_of, parse_metric
from seawall.app.faults import Report
from seawall.app.model import Dataset, Field, Metric, Semantics
from seawall.app.names import GRAINS
from seawall.app.paths import AmbiguousPath, NoPath, fact_of, join_path
from seawall.app.suggest import suggestion
from seawall.app.yaml_tree import Node


@dataclass(slots=True)
class Vocabulary:
    """The semantics of an app that is being read. Broken metrics and fields are known by name but have expression ""."""

    semantics: Semantics
    places: dict[str, Node]
    """`dataset NAME`, `metric NAME`, `relationship NAME` → where it was declared."""
    report: Report
    broken: frozenset[str] = frozenset()
    """`time DATASET`, `key DATASET` and `path DATASET`: what a dataset would have had, were its declaration not broken."""
    _facts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _paths: dict[tuple[str, str], NoPath | AmbiguousPath | None] = field(default_factory=dict)
    _fields: dict[str, list[Field]] = field(default_factory=dict)

    def dataset(self, node: Node) -> Dataset | None:
        """The dataset named; a fault when there is none."""
        found = self.semantics.datasets.get(node.text())
        if found is None:
            fix = suggestion(node.text(), self.semantics.datasets)
            self.report.add(node, "unknown_dataset", f"There is no dataset `{node.text()[:80]}`", got=node.text(), fix=fix)
        return found

    def metric(self, node: Node) -> Metric | None:
        """The metric named; a fault when there is none."""
        found = self.semantics.metrics.get(node.text())
        if found is None:
            fix = suggestion(node.text(), self.semantics.metrics)
            self.report.add(
                node,
                "unknown_metric",
                f"There is no metric `{node.text()[:80]}`",
                expected="a metric of semantic/",
                got=node.text(),
                fix=fix,
            )
        return found

    def field(self, node: Node, *, home: str = "", ref: str = "") -> Field | None:
        """The field named `dataset.field`, or by a name of the dataset `home`, or one unique in the app; else a fault."""
        name = ref or node.text()
        found = self.find(name, home=home)
        if len(found) == 1:
            return found[0]
        if found:
            listed = ", ".join(f"`{f.ref}`" for f in found[:6])
            self.report.add(node, "ambiguous_field", f"Several datasets have a field `{name}`", got=name, fix=f"Write one of {listed}")
            return None
        known = self.refs(home) if home and "." not in name else self.refs()
        detail = f"There is no field `{name[:80]}`" + (f" in {home}" if home and "." not in name else "")
        self.report.add(
            node,
            "unknown_field",
            detail,
            expected="`dataset.field`, or a field's name unique in the app",
            got=name,
            fix=suggestion(name, known),
        )
        return None

    def find(self, name: str, *, home: str = "") -> list[Field]:
        """Every field the name may mean."""
        dataset, dot, bare = name.partition(".")
        if dot:
            owner = self.semantics.datasets.get(dataset)
            return [owner.fields[bare]] if owner and bare in owner.fields else []
        if home in self.semantics.datasets and name in self.semantics.datasets[home].fields:
            return [self.semantics.datasets[home].fields[name]]
        if not self._fields:
            for owner in self.semantics.datasets.values():
                for item in owner.fields.values():
                    self._fields.setdefault(item.name, []).append(item)
        return self._fields.get(name, [])

    def need_times(self, at: Node, facts: Iterable[str], what: str) -> None:
        """Report every fact that names no time field of its own."""
        for fact in facts:
            if not self.has_time(fact):
                fix = 'Name the dataset\'s time: custom_extensions data {"time": "FIELD"}, or write {field: dataset.field, grain: …}'
                self.report.add(at, "needs_time", f"{what} needs a time, and the dataset `{fact}` names none", got=fact, fix=fix)

    def means_column(self, name: str) -> bool:
        """Whether some panel could have a column of this name."""
        return name in self.semantics.metrics or name in GRAINS or bool(self.find(name))

    def refs(self, home: str = "") -> list[str]:
        """Names of all fields: `dataset.field`, or the bare names of one dataset."""
        if home in self.semantics.datasets:
            return list(self.semantics.datasets[home].fields)
        return [item.ref for owner in self.semantics.datasets.values() for item in owner.fields.values()]

    def facts(self, metric: str) -> tuple[str, ...]:
        """The datasets a metric's aggregates are computed on, sorted; none for a broken metric."""
        if metric not in self._facts:
            self._facts[metric] = self._facts_of(self.semantics.metrics[metric])
        return self._facts[metric]

    def _facts_of(self, metric: Metric) -> tuple[str, ...]:
        if not metric.expression:
            return ()
        return metric_facts(self.semantics, metric)

    def reach(self, at: Node, facts: Iterable[str], target: str, what: str) -> bool:
        """Whether every fact leads many-to-one to `target`; faults at `at` (or at the relationships that tie) otherwise."""
        reached = [self._reach_one(at, fact, target, what) for fact in facts]
        return all(reached)

    def _reach_one(self, at: Node, fact: str, target: str, what: str) -> bool:
        found = self._path(fact, target)
        if isinstance(found, NoPath):
            if f"path {fact}" in self.broken:
                return False
            reachable = [
                f.ref for owner in self.semantics.datasets.values() if self.has_path(fact, owner.name) for f in owner.fields.values()
            ]
            fix = f"Use a field of {fact} or of a dataset it leads to, or add a relationship from {fact} to {target}"
            near = suggestion(at.text(), reachable) if at.text() else ""
            detail = f"{what} cannot be combined with `{target}`: no many-to-one path leads there from `{fact}`"
            self.report.add(
                at,
                "not_groupable",
                detail,
                expected=f"a field that {fact} reaches",
                got=target,
                fix=near if near.startswith("Did") else fix,
            )
            return False
        if isinstance(found, AmbiguousPath):
            tied = next((step for step in found.second if step not in found.first), found.second[0])
            place = self.places.get(f"relationship {tied.name}", at)
            self.report.add(
                place,
                "ambiguous_path",
                found.detail,
                expected=found.expected,
                got=f"used by {at.where}" if place is not at else "",
                fix=found.fix,
            )
            return False
        return True

    def has_time(self, dataset: str) -> bool:
        """Whether the dataset names its time, or tried to."""
        return bool(self.semantics.datasets[dataset].time) or f"time {dataset}" in self.broken

    def has_path(self, fact: str, target: str) -> bool:
        """Whether a path leads there, ambiguous or not."""
        return not isinstance(self._path(fact, target), NoPath)

    def _path(self, fact: str, target: str) -> NoPath | AmbiguousPath | None:
        """What is wrong with the path; None when there is a single best one. Remembered, since panels ask again and again."""
        if (fact, target) not in self._paths:
            try:
                join_path(self.semantics, fact, target)
                self._paths[fact, target] = None
            except (NoPath, AmbiguousPath) as error:
                self._paths[fact, target] = error
        return self._paths[fact, target]

    def engines(self, datasets: Iterable[str]) -> set[str]:
        """The databases a set of datasets lives in."""
        return {self.semantics.datasets[name].engine for name in datasets if name in self.semantics.datasets}


def metric_facts(semantics: Semantics, metric: Metric) -> tuple[str, ...]:
    """The datasets a valid metric's aggregates are computed on, sorted. NoPath when an aggregate spans unrelated ones."""
    calls = aggregates_of(parse_metric(metric.expression))
    return tuple(sorted({fact_of(semantics, (dataset for dataset, _ in columns_of(call))) for call in calls}))
