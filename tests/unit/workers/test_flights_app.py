"""What the second app is there to show: two roles of one list of airports, and rows and fields seen by some roles only."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.shipped import shipped

from seawall.app.model import App
from seawall.core.principal import Principal
from seawall.query.policy import resolve

FOLDER = Path(__file__).parents[3] / "apps" / "flights"


@pytest.fixture(scope="module")
def app() -> App:
    """The app as loaded."""
    return shipped("flights").app


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
