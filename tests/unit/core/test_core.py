"""Errors, deadlines, identifiers and digests."""

import importlib
import json
import pkgutil
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

import seawall
from seawall.core.clock import ManualClock
from seawall.core.deadline import Deadline
from seawall.core.digest import digest
from seawall.core.errors import InvalidInput, SeawallError
from seawall.core.ids import new_id
from seawall.core.problem import problem_of


def test_an_error_says_what_was_expected_what_came_and_how_to_mend_it():
    """The sentence holds all four parts."""
    error = InvalidInput("The filter is wrong", expected="a date", got="'soon'", fix="Write it as 2017-01-31")
    assert str(error) == "The filter is wrong. Expected a date. Got 'soon'. Write it as 2017-01-31."


def test_an_errors_docstring_is_its_default_message():
    """Raised bare, an error still speaks."""
    assert str(InvalidInput()) == "What came in is not what was expected."


def test_a_problem_carries_the_errors_parts():
    """RFC 9457 members and ours, nothing empty."""
    body = json.loads(problem_of(InvalidInput("No", got="x"), instance="/a").encode())
    assert body == {
        "type": "https://seawall.dev/problems/invalid-input",
        "title": "The request is not valid",
        "status": 400,
        "detail": "No",
        "instance": "/a",
        "got": "x",
    }


def test_a_deadline_crosses_the_wire_as_what_is_left():
    """Half of a 900 ms deadline used: 450 ms are sent on."""
    clock = ManualClock()
    deadline = Deadline.after(0.9, clock)
    clock.advance(0.45)
    assert deadline.header() == "450"
    assert Deadline.from_header(deadline.header(), clock=clock).remaining() == pytest.approx(0.45)


@given(st.one_of(st.none(), st.text(), st.integers(0).map(str), st.floats().map(str)))
def test_any_header_gives_a_bounded_deadline(value):
    """Whatever a caller sends, the deadline is within a minute."""
    assert 0 <= Deadline.from_header(value, clock=ManualClock()).remaining() <= 60


def test_identifiers_sort_by_time_and_are_valid_uuids():
    """UUIDv7: version, variant, order."""
    clock = ManualClock()
    first = new_id(clock)
    clock.advance(0.002)
    second = new_id(clock)
    assert first < second
    assert uuid.UUID(first).version == 7


@given(st.dictionaries(st.text(), st.integers()))
def test_a_digest_does_not_depend_on_the_order_of_keys(value):
    """Equal mappings, equal digests."""
    assert digest(value) == digest(dict(reversed(list(value.items()))))


def test_every_error_has_a_slug_of_its_own():
    """Programs match on the slug, so no two kinds share one below the root. All modules are imported for it."""
    for module in pkgutil.walk_packages(seawall.__path__, "seawall."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)

    def leaves(kind):
        return [kind, *(one for sub in kind.__subclasses__() for one in leaves(sub))]

    slugs = [kind.slug for kind in leaves(SeawallError) if "slug" in vars(kind)]
    assert len(slugs) == len(set(slugs))
