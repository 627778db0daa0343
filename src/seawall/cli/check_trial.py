"""Every query of an app planned by the databases that will answer it, and its declared types compared with the stored ones."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator

import pyarrow as pa

from seawall.app.faults import Report
from seawall.app.model import App, Bundle, DataType, Dimension, MetricQuery, Query
from seawall.app.names import operational_schema
from seawall.app.places import Places
from seawall.app.yaml_tree import Node
from seawall.core.errors import SeawallError
from seawall.query.compile_query import engine_of
from seawall.query.errors import EngineUnavailable
from seawall.query.service import QueryService
from seawall.query.type_check import declarable, fits


class Trial:
    """Tries what an app asks, engine by engine; one that does not answer is not asked again."""

    def __init__(self, bundle: Bundle, service: QueryService, places: Places, report: Report, missing: dict[str, str]) -> None:
        self._app = bundle.app
        self._service = service
        self._places = places
        self._report = report
        self._missing = missing
        self._passed: Counter[str] = Counter()
        self.tried = 0

    async def queries(self) -> None:
        """Have every query planned; one the database refuses is a fault where it is declared."""
        for query, place, what in _queries(self._app, self._places):
            engine = engine_of(self._app, query)
            if engine in self._missing:
                self._passed[engine] += 1
                continue
            try:
                await self._service.dry_run(query)
                self.tried += 1
            except EngineUnavailable as error:
                self._missing[engine] = error.detail
                self._passed[engine] += 1
            except SeawallError as error:
                detail = f"The database refuses {what}: {error.detail}"
                self._report.add(
                    place, "dry_run_failed", detail, expected=error.expected, got=error.got, fix=error.fix or self._fix(error.got)
                )

    async def types(self) -> None:
        """Compare declared types with the stored ones. What the database refuses was told before."""
        for dataset in self._app.semantics.datasets.values():
            if dataset.engine not in self._missing:
                with contextlib.suppress(SeawallError):
                    stored = await self._service.stored_types(dataset.name)
                    for field in dataset.fields.values():
                        at = self._places.field(dataset.name, field.name)
                        self._compare(at, f"The field `{field.ref}`", field.datatype, stored.field(field.name).type)
        for metric in self._app.semantics.metrics.values():
            engine = engine_of(self._app, MetricQuery((metric.name,)))
            if engine not in self._missing:
                with contextlib.suppress(SeawallError):
                    measured = await self._service.measured_type(metric.name)
                    # Postgres sums whole numbers to numerics without a scale.
                    loose = engine == "operational"
                    self._compare(self._places.metric(metric.name), f"The metric `{metric.name}`", metric.datatype, measured, loose=loose)

    def skipped(self) -> str:
        """What was not tried, and why; empty when everything was."""
        if not self.tried and "warehouse" in self._passed:
            return self._missing["warehouse"]
        return "; ".join(f"{count} queries over {engine} tables: {self._missing[engine]}" for engine, count in self._passed.items())

    def _compare(self, at: Node, what: str, declared: DataType, stored: pa.DataType, *, loose: bool = False) -> None:
        if fits(declared, stored, loose=loose):
            return
        fitting = declarable(stored)
        self._report.add(
            at.get("datatype") or at,
            "datatype_mismatch",
            f"{what} is declared {declared}, and the data is {stored}",
            where=at.where,
            expected=" or ".join(fitting) or "an expression of another type",
            got=declared,
            fix=f"Write `datatype: {fitting[0]}`, or cast in the expression" if fitting else "Cast in the expression",
        )

    def _fix(self, got: str) -> str:
        datasets = self._app.semantics.datasets.values()
        if any(dataset.source == got for dataset in datasets):
            return f"Publish it: seawall publish FOLDER --table {got}=FILE"
        schema = operational_schema(self._app.name)
        if "permission denied" in got:
            return f"Let the ui read it: GRANT USAGE ON SCHEMA {schema} and GRANT SELECT on its tables"
        if f"{schema}." in got or "operational" in self._app.engines:
            return f"Compare the names with the tables in the schema {schema} of Postgres"
        return "Compare the names with the columns of the prepared tables"


def _queries(app: App, places: Places) -> Iterator[tuple[Query, Node, str]]:
    """Every panel; and every field, metric and filter, used by a panel or not."""
    for page in app.pages.values():
        for panel in page.panels.values():
            yield panel.query, places.of("pages", page.name, "panels", panel.name), f"the panel `{panel.name}`"
    for metric in app.semantics.metrics.values():
        yield MetricQuery((metric.name,)), places.metric(metric.name), f"the metric `{metric.name}`"
    for dataset in app.semantics.datasets.values():
        for field in dataset.fields.values():
            yield (
                MetricQuery((), (Dimension(field.name, field.ref),), limit=1),
                places.field(dataset.name, field.name),
                f"the field `{field.ref}`",
            )
