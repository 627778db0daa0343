"""Conditions of panels and policies, names resolved and values held to the type of their field."""

from __future__ import annotations

from typing import Any, cast

from seawall.app.conditions import Condition, InvalidCondition, parse_condition
from seawall.app.faults import Report
from seawall.app.model import Field, Filter, Operator, Scalar
from seawall.app.scalars import LIST_OPERATORS, NULL_TESTS, InvalidValue, check_period, coerce, operator_fits
from seawall.app.vocabulary import Vocabulary
from seawall.app.yaml_tree import Node

_PERIOD_FIX = "Write days that exist, the earlier first, or `2017-01-01..` for all days since"


def read_where(node: Node, facts: tuple[str, ...], home: str, words: Vocabulary) -> tuple[Filter, ...]:
    """Every condition of a panel, in either form."""
    return tuple(found for child in node.listed("where") if (found := _condition(child, facts, home, words)) is not None)


def _condition(node: Node, facts: tuple[str, ...], home: str, words: Vocabulary) -> Filter | None:
    """One condition, in either form."""
    if isinstance(node.value, dict):
        field_node, op_node = node.get("field"), node.get("op")
        if op_node is None:
            return None
        values = [v for key in ("value", "values") if (holder := node.get(key)) is not None for v in holder.items()]
        if field_node is None:
            return _own_time(node, op_node.text(), values, facts, words)
        return _filter(field_node, field_node.text(), cast(Operator, op_node.text()), values, facts, home, words)
    try:
        parsed = parse_condition(node.text())
    except InvalidCondition as error:
        words.report.add(node, "bad_condition", error.detail, expected=error.expected, got=node.text(), fix=error.fix)
        return None
    return _filter(node, parsed.field, parsed.op, _value_nodes(parsed, node), facts, home, words)


def _own_time(node: Node, op: str, values: list[Node], facts: tuple[str, ...], words: Vocabulary) -> Filter | None:
    """A condition without a field: a period of each dataset's own time."""
    if op != "during":
        words.report.add(node, "missing_key", "The condition has no `field`", expected="a field, unless `op` is during", fix="Add `field`")
        return None
    words.need_times(node, facts, "`during`")
    if len(values) != 1:
        got, fix = str(len(values)), "Write `value: last_4_weeks`"
        words.report.add(node, "bad_condition", "`during` compares with one period", expected="one `value`", got=got, fix=fix)
        return None
    try:
        return Filter("", "during", tuple(check_period(cast(Any, value.value)) for value in values))
    except InvalidValue as error:
        words.report.add(node, "bad_condition", "This is not a period", expected=error.expected, got=error.got, fix=_PERIOD_FIX)
        return None


def _filter(at: Node, ref: str, op: Operator, values: list[Node], facts: tuple[str, ...], home: str, words: Vocabulary) -> Filter | None:
    found = words.field(at, home=home, ref=ref)
    if found is None:
        return None
    words.reach(at, facts, found.dataset, "A condition of this panel")
    if bool(values) == (op in NULL_TESTS):
        expected = "no value" if op in NULL_TESTS else "`value`, or `values` for in and not_in"
        words.report.add(
            at, "bad_condition", f"`{op}` has {'a value' if values else 'no value'}", expected=expected, fix="Add or remove it"
        )
        return None
    typed = typed_values(values, op, found, at, words.report)
    return None if typed is None else Filter(found.ref, op, typed)


def typed_values(values: list[Node], op: Operator, field: Field, at: Node, report: Report) -> tuple[Scalar, ...] | None:
    """The constants of a condition as the field holds them; None when operator or values do not fit (reported)."""
    if not operator_fits(op, field.datatype):
        report.add(
            at,
            "bad_condition",
            f"`{op}` means nothing for `{field.ref}`, which is of type {field.datatype}",
            got=op,
            fix="Use eq, ne, in or not_in",
        )
        return None
    if len(values) > 1 and op not in LIST_OPERATORS:
        report.add(
            at,
            "bad_condition",
            f"`{op}` compares with one value",
            expected="one value",
            got=str(len(values)),
            fix="Use `in` for several values",
        )
        return None
    typed = []
    for node in values:
        try:
            value = node.value if isinstance(node.value, str | int | float | bool) else None
            typed.append(check_period(value) if op == "during" else coerce(value, field.datatype))
        except InvalidValue as error:
            detail = f"The value does not fit `{field.ref}`, which is of type {field.datatype}"
            fix = "Mend the value, or the field's datatype"
            if op == "during":
                detail, fix = "This is not a period", _PERIOD_FIX
            report.add(node, "bad_condition", detail, expected=error.expected, got=error.got, fix=fix)
    return tuple(typed) if len(typed) == len(values) else None


def _value_nodes(parsed: Condition, at: Node) -> list[Node]:
    """The values of a condition that was written as one text, standing where the text does."""
    return [Node(value, at.mark, at.where) for value in parsed.values]
