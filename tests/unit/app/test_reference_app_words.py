"""The reference app speaks both of its languages."""

from __future__ import annotations

from pathlib import Path

from seawall.app.load import load_bundle

APP = Path(__file__).parents[3] / "apps" / "merchandising"


def test_every_field_and_metric_has_a_name_in_each_language() -> None:
    """Nobody reads the name of a column where a word belongs."""
    app = load_bundle(APP).app
    fields = [(field.ref, field.label) for dataset in app.semantics.datasets.values() for field in dataset.fields.values()]
    named = [*fields, *((name, metric.label) for name, metric in app.semantics.metrics.items())]
    assert [(name, locale) for name, label in named for locale in app.locales if not label.by_locale.get(locale)] == []
