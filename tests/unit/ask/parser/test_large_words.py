"""What a model is told of an app's vocabulary: what its asker may see."""

from __future__ import annotations

from seawall.ask.large import words_of
from seawall.query.policy import Access, EffectivePolicy, unrestricted

from .conftest import bicycles


def test_a_model_is_told_no_names_that_its_asker_may_not_see() -> None:
    """Neither metrics over hidden data, nor hidden fields."""
    app = bicycles()
    everything = words_of(app, unrestricted(app))
    some = words_of(app, EffectivePolicy({"trips": Access(masked=("rider",)), "stations": Access(), "bikes": Access()}))
    assert set(everything.metrics) - set(some.metrics) == {"repair_cost", "repair_count"}
    assert set(everything.fields) - set(some.fields) == {"trips.rider", "repairs.part"}
