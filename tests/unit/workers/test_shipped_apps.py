"""The apps that come with Seawall are whole: no fault, every word in both languages, every metric explained, every table prepared."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.shipped import checked, shipped

from seawall.app.model import App, Text
from seawall.workers.preparation.plan import Preparation
from seawall.workers.preparation.registry import REGISTERED

ROOT = Path(__file__).parents[3]
APPS = sorted(path.parent.name for path in (ROOT / "apps").glob("*/app.yaml"))


@pytest.fixture(scope="module", params=APPS)
def app(request: pytest.FixtureRequest) -> App:
    """Each as loaded."""
    return shipped(request.param).app


@pytest.fixture
def preparation(app: App) -> Preparation:
    """What fills its tables."""
    return REGISTERED[app.prepare]


def test_it_has_no_fault(app: App):
    """What the check says of anybody's app it says of ours."""
    assert checked(app.name)[1] == ()


def test_every_word_is_in_both_languages(app: App):
    """Nobody who reads German meets an English title."""
    texts: list[Text] = [app.title]
    for page in app.pages.values():
        texts += [page.title, page.description, *(one.label for one in page.filters.values())]
        texts += [text for panel in page.panels.values() for text in (panel.title, panel.description)]
    texts += [text for metric in app.semantics.metrics.values() for text in (metric.label, metric.description)]
    aggregated = " ".join(metric.expression for metric in app.semantics.metrics.values())  # shown by the metric's name alone
    fields = [field for dataset in app.semantics.datasets.values() for field in dataset.fields.values()]
    texts += [field.label for field in fields if field.ref not in aggregated]
    assert [text for text in texts if set(text.by_locale) != {"en", "de"}] == []


def test_every_metric_is_in_the_reference(app: App):
    """Name, definition and expression, word for word."""
    reference = (ROOT / "docs" / "reference" / f"{app.name}.md").read_text("utf-8")
    for metric in app.semantics.metrics.values():
        assert f"| `{metric.name}` " in reference
        assert metric.description.in_locale("en") in reference
        assert f"`{' '.join(metric.expression.split())}`" in reference


def test_every_dataset_is_a_prepared_table(app: App, preparation: Preparation):
    """No dataset reads what preparation does not write."""
    assert {dataset.source for dataset in app.semantics.datasets.values()} == {table.name for table in preparation.tables}


def test_every_step_has_its_query(preparation: Preparation):
    """The preparation names no SQL it does not have, and has none it does not name."""
    steps = {table.name for table in preparation.tables} | set(preparation.setup) | set(preparation.helpers.values())
    assert steps | {"extent", preparation.series} - {""} == set(preparation.queries)
