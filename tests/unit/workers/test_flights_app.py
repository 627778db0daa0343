"""The second app is whole: no fault, every word in both languages, every metric in its reference, two roles of one list of airports."""

from __future__ import annotations

from pathlib import Path

import pytest

from seawall.app.check import check
from seawall.app.load import load_bundle
from seawall.app.model import App, Text
from seawall.core.principal import Principal
from seawall.query.policy import resolve
from seawall.workers.preparation.nycflights import PREPARATION

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "apps" / "flights"


@pytest.fixture(scope="module")
def app() -> App:
    """The app as loaded."""
    return load_bundle(FOLDER).app


def test_it_has_no_fault():
    """What the check says of anybody's app it says of ours."""
    assert check(FOLDER)[1] == ()


def test_every_word_is_in_both_languages(app: App):
    """Nobody who reads German meets an English title."""
    texts: list[Text] = [app.title]
    for page in app.pages.values():
        texts += [page.title, page.description, *(one.label for one in page.filters.values())]
        texts += [text for panel in page.panels.values() for text in (panel.title, panel.description)]
    texts += [text for metric in app.semantics.metrics.values() for text in (metric.label, metric.description)]
    texts += [field.label for dataset in app.semantics.datasets.values() for field in dataset.fields.values()]
    assert [text for text in texts if set(text.by_locale) != {"en", "de"}] == []


def test_every_metric_is_in_the_reference(app: App):
    """Name, definition and expression, word for word."""
    reference = (ROOT / "docs" / "reference" / "flights.md").read_text("utf-8")
    for metric in app.semantics.metrics.values():
        assert f"| `{metric.name}` " in reference
        assert metric.description.in_locale("en") in reference
        assert f"`{' '.join(metric.expression.split())}`" in reference


def test_every_dataset_is_a_prepared_table(app: App):
    """No dataset reads what preparation does not write."""
    assert {dataset.source for dataset in app.semantics.datasets.values()} == {table.name for table in PREPARATION.tables}


def test_every_table_and_setup_has_its_query():
    """The preparation names no SQL it does not have."""
    assert {table.name for table in PREPARATION.tables} | set(PREPARATION.setup) | {"extent"} == set(PREPARATION.queries)


def test_an_airport_has_two_roles(app: App):
    """Origins and destinations are reached by paths of their own."""
    ends = {one.to: one.from_columns for one in app.semantics.relationships if one.from_ == "flights"}
    assert (ends["origins"], ends["destinations"]) == (("origin",), ("destination",))


@pytest.mark.parametrize(("role", "filtered", "masked"), [("viewer", True, True), ("planner", False, True), ("maintenance", False, False)])
def test_roles_see_what_the_reference_says(app: App, role: str, filtered: bool, masked: bool):
    """Viewers see their airports' flights, and only maintenance tail numbers, in every dataset that has them."""
    seen = resolve(app, Principal("ann", roles=(role,), attributes={"airports": ("EWR",)})).datasets
    assert bool(seen["flights"].predicates) == filtered
    assert ("tail_number" in seen["flights"].masked, "register_number" in seen["planes"].masked) == (masked, masked)
