"""URL parameters: bounds, canonical form, and who is strict."""

import contextlib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.ui_server.sample import sample_app

from seawall.core.errors import InvalidInput
from seawall.ui.params import FIELDS_MAX, QUERY_BYTES_MAX, api_choice, of_panel, page_choice, read, to_query

APP = sample_app()
PAGE = APP.pages["demand"]
SALES = PAGE.panels["sales"]


def test_a_page_ignores_unknown_parameters() -> None:
    """A link with tracking parameters still opens the page, and shares its cache entry."""
    choice = page_choice(APP, PAGE, read(b"utm_source=mail&department=GROCERY"))
    assert choice.parameters == {"department": ["GROCERY"]}


def test_a_page_drops_a_value_of_the_wrong_type_and_keeps_the_rest() -> None:
    """One bad filter is set aside and named; the others still hold."""
    choice = page_choice(APP, PAGE, read(b"period=bad&department=GROCERY"))
    assert choice.parameters == {"department": ["GROCERY"]}
    assert choice.dropped == {"period": ["bad"]}


@pytest.mark.parametrize("query", [b"nonsense=1", b"period=bad", b"limit=0", b"limit=x", b"limit=99999999", b"after=" + b"x" * 4097])
def test_the_api_refuses_what_a_page_forgives(query: bytes) -> None:
    """Programs are told, so that a typing error is not silently another question."""
    with pytest.raises(InvalidInput):
        api_choice(APP, PAGE, SALES, read(query))


def test_the_error_names_the_parameter() -> None:
    """Whoever reads the problem knows which parameter to mend."""
    with pytest.raises(InvalidInput, match="utm_source"):
        api_choice(APP, PAGE, SALES, read(b"utm_source=mail"))


@pytest.mark.parametrize("query", [b"a=" + b"x" * QUERY_BYTES_MAX, b"&".join(b"a=1" for _ in range(FIELDS_MAX + 1)), b"a=%ff", b"\xff"])
def test_a_query_string_beyond_bounds_is_refused(query: bytes) -> None:
    """Length, count and coding are bounded before anything else looks at them."""
    with pytest.raises(InvalidInput):
        read(query)


@given(st.lists(st.text(alphabet="ABC äe\u0301", min_size=1, max_size=4), max_size=6), st.randoms())
def test_the_order_and_repetition_of_choices_do_not_matter(values: list[str], random: object) -> None:
    """Equal questions, however they are spelled, make equal parameters."""
    shuffled = values + values[:2]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    first = page_choice(APP, PAGE, {"department": values})
    second = page_choice(APP, PAGE, {"department": shuffled, "x": ["y"]})
    assert of_panel(SALES, first) == of_panel(SALES, second)


@given(st.dictionaries(st.sampled_from(["department", "period"]), st.lists(st.text(max_size=20), max_size=5)))
def test_canonical_parameters_are_a_fixed_point(values: dict[str, list[str]]) -> None:
    """Reading what we wrote gives what we had."""
    once = page_choice(APP, PAGE, values)
    again = page_choice(APP, PAGE, read(to_query(once.parameters).lstrip("?").encode()))
    assert again.parameters == once.parameters


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(query: bytes) -> None:
    """Whatever a client sends is read or refused."""
    with contextlib.suppress(InvalidInput):
        page_choice(APP, PAGE, read(query))


def test_a_filter_a_panel_does_not_have_leaves_its_key_alone() -> None:
    """Changing one filter keeps the cached fragments of panels it does not touch."""
    units = PAGE.panels["units"]
    plain = page_choice(APP, PAGE, {})
    filtered = page_choice(APP, PAGE, {"department": ["GROCERY"]})
    assert of_panel(units, plain) == of_panel(units, filtered)
    assert of_panel(SALES, plain) != of_panel(SALES, filtered)


def test_a_filter_one_may_not_see_is_unknown_to_the_api() -> None:
    """It is refused in the words for any unknown name, and not offered."""
    page = msgspec.structs.replace(PAGE, filters={"period": PAGE.filters["period"]})
    with pytest.raises(InvalidInput, match="not known") as caught:
        api_choice(APP, page, SALES, {"department": ["GROCERY"]})
    assert "department" not in caught.value.expected


def test_cursors_belong_to_a_panel() -> None:
    """`rows.after` pages one panel and is part of its key only."""
    listing = APP.pages["listing"]
    choice = page_choice(APP, listing, read(b"rows.after=abc&other.after=def"))
    assert choice.after == {"rows": "abc"}
    assert of_panel(listing.panels["rows"], choice) == (("rows.after", ("abc",)),)


def test_what_is_too_long_is_set_aside_with_notice() -> None:
    """As far as it may be shown again, and not silently."""
    choice = page_choice(APP, PAGE, {"department": ["x" * 201], "period": ["  "]})
    assert choice.dropped == {"department": ["x" * 200]}
    assert choice.filters == {}
