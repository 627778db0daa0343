"""Conditions, values and durations as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.app.conditions import Condition, InvalidCondition, parse_condition
from seawall.app.durations import InvalidDuration, parse_duration
from seawall.app.scalars import InvalidValue, check_period, coerce, operator_fits

CONDITIONS = {
    "department = GROCERY": Condition("department", "eq", ("GROCERY",)),
    "products.department!=FUEL & MORE": Condition("products.department", "ne", ("FUEL & MORE",)),
    "amount >= 10.5": Condition("amount", "ge", ("10.5",)),
    "name = 'it''s, so'": Condition("name", "eq", ("it's, so",)),
    "store in 12, 13": Condition("store", "in", ("12", "13")),
    "store NOT IN ('a,b', \"c\")": Condition("store", "not_in", ("a,b", "c")),
    "name contains milk": Condition("name", "contains", ("milk",)),
    "name starts with in": Condition("name", "starts_with", ("in",)),
    "size is null": Condition("size", "is_null"),
    "size is  not null": Condition("size", "not_null"),
    "sold_at during last_4_weeks": Condition("sold_at", "during", ("last_4_weeks",)),
    "inside = 1": Condition("inside", "eq", ("1",)),
}


@pytest.mark.parametrize("text", CONDITIONS)
def test_conditions_are_read(text: str) -> None:
    """Each operator has a spelling of its own, with or without quotes."""
    assert parse_condition(text) == CONDITIONS[text]


@pytest.mark.parametrize(
    "text",
    ["", "department", "= 3", "a b c", "a =", "a in ", "a in 1,", "a in ,1", "a = 'x", "a is null 3", "a.b.c = 1", "a ! 1", "x" * 2000],
)
def test_what_is_no_condition_is_refused(text: str) -> None:
    """The error shows how to write one."""
    with pytest.raises(InvalidCondition) as caught:
        parse_condition(text)
    assert "department = GROCERY" in caught.value.fix


@given(text=st.text(max_size=40))
def test_any_text_is_a_condition_or_refused(text: str) -> None:
    """Nothing else is raised."""
    try:
        parse_condition(text)
    except InvalidCondition:
        return


@given(values=st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=8), min_size=1, max_size=5))
def test_quoted_values_come_back(values: list[str]) -> None:
    """Any value survives quoting, whatever it holds."""
    quoted = ", ".join("'" + value.replace("'", "''") + "'" for value in values)
    assert parse_condition(f"a in ({quoted})").values == tuple(values)


def test_values_take_the_type_of_the_field() -> None:
    """Texts from URLs and YAML become what the field holds."""
    assert coerce("12", "Integer") == 12
    assert coerce(12.0, "Integer") == 12
    assert coerce("1.5", "Decimal") == 1.5
    assert coerce("TRUE", "Boolean") is True
    assert coerce("2017-01-31", "Date") == "2017-01-31"
    assert coerce(12, "String") == "12"


@pytest.mark.parametrize(
    ("value", "datatype"),
    [
        ("x", "Integer"),
        (1.5, "Integer"),
        (True, "Integer"),
        ("1e9", "Float"),
        ("yes", "Boolean"),
        ("2017-02-30", "Date"),
        ("today", "DateTime"),
        (None, "Float"),
        ("９", "Integer"),
    ],
)
def test_values_of_the_wrong_type_are_refused(value: object, datatype: str) -> None:
    """The error says which type was expected."""
    with pytest.raises(InvalidValue) as caught:
        coerce(value, datatype)  # type: ignore[arg-type]
    assert caught.value.expected


def test_periods_and_operators_fit_their_fields() -> None:
    """`during` takes periods and fits times; text operators fit texts."""
    for period in ("2017-01-01..2017-03-31", "2017-04", "2017", "last_4_weeks", "this_month", "..2017-01-01"):
        assert check_period(period) == period
    for wrong in ("..", "last_weeks", "tomorrow", True, 1.5):
        with pytest.raises(InvalidValue):
            check_period(wrong)
    assert operator_fits("during", "Date")
    assert not operator_fits("during", "String")
    assert not operator_fits("contains", "Integer")


def test_durations_are_seconds() -> None:
    """Six units, whole numbers only."""
    assert [parse_duration(text) for text in ("900ms", "30s", "5m", "24h", "7d", "2w")] == [0.9, 30, 300, 86_400, 604_800, 1_209_600]
    for wrong in ("", "24", "1.5h", "-1h", "24 h", "1h\n", "٣h", "h"):
        with pytest.raises(InvalidDuration):
            parse_duration(wrong)
