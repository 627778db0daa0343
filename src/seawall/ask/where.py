"""The conditions of a draft as filters: which field each value means under the facts that are measured."""

from __future__ import annotations

from collections.abc import Sequence

from seawall.app.model import Filter, Scalar
from seawall.ask.draft import Condition
from seawall.ask.lexicon import Lexicon
from seawall.ask.question import VALUES_MAX
from seawall.ask.refusals import Unanswerable
from seawall.ask.tokens import fold


def conditions(
    found: Sequence[Condition], lexicon: Lexicon, facts: tuple[str, ...], preferred: frozenset[str] = frozenset()
) -> list[Filter]:
    """The filters of a draft; values of one field become one filter. `preferred` fields win where a value is in several."""
    made: dict[tuple[str, str], list[Scalar]] = {}
    plain: list[Filter] = []
    for condition in found:
        if condition.number and condition.op in ("in", "not_in"):
            ref = _field(condition.refs, lexicon, facts, condition)
            made.setdefault((ref, condition.op), []).extend(int(number) for number in condition.number)
        elif condition.values:
            ref = _value_field(condition, found, lexicon, facts, preferred)
            made.setdefault((ref, condition.op), []).extend(_as_written(condition, ref))
        else:
            plain += _plain(condition, lexicon, facts)
    for ref, op in list(made):
        if op == "in" and (gone := made.pop((ref, "not_in"), None)):
            made[ref, op] = [value for value in made[ref, op] if value not in gone]
            if not made[ref, op]:
                raise Unanswerable("unclear", [str(value) for value in gone])
    return plain + [_joined(ref, op, values) for (ref, op), values in made.items()]


def _as_written(condition: Condition, ref: str) -> list[str]:
    """The values of a field that are meant: of several spellings of one (`12 oz`, `.12 OZ`) the one that was written, if there."""
    values = [value for held, value in condition.values if held == ref]
    return [value for value in values if fold(value) == condition.said] or values


def _plain(condition: Condition, lexicon: Lexicon, facts: tuple[str, ...]) -> list[Filter]:
    ref = _field(condition.refs, lexicon, facts, condition)
    if condition.op in ("is_null", "not_null"):
        return [Filter(ref, condition.op)]
    if lexicon.fields[ref].datatype == "Boolean":
        return [Filter(ref, "eq", (bool(condition.number[0]),))]
    numbers = [_whole(number) for number in condition.number]
    if len(numbers) == 2:
        return [Filter(ref, "ge", (numbers[0],)), Filter(ref, "le", (numbers[1],))]
    return [Filter(ref, condition.op, (numbers[0],))]


def _whole(number: float) -> int | float:
    return int(number) if number == int(number) else number


def _field(refs: tuple[str, ...], lexicon: Lexicon, facts: tuple[str, ...], condition: Condition) -> str:
    reached = lexicon.nearest(refs, facts)
    if not reached:
        raise Unanswerable("no_such_data", [condition.said])
    return reached[0]


def _value_field(
    condition: Condition, found: Sequence[Condition], lexicon: Lexicon, facts: tuple[str, ...], preferred: frozenset[str]
) -> str:
    """The field meant by a value: one that holds the values joined with it too, if there is one; then the nearest."""
    refs = tuple(dict.fromkeys(ref for ref, _ in condition.values if not condition.refs or ref in condition.refs))
    reached = lexicon.nearest(refs, facts)
    if not reached:
        raise Unanswerable("no_such_data", [condition.said])
    group = [one for one in found if one.group == condition.group and one.values and one.op == condition.op]
    if condition.is_joined and not _share_a_field(group, reached):
        raise Unanswerable("unclear", [one.said for one in group])
    shared = [ref for ref in reached if all(ref in (one.refs or {held for held, _ in one.values}) for one in group)]
    return next((ref for ref in shared if ref in preferred), shared[0] if shared else reached[0])


def _share_a_field(group: Sequence[Condition], reached: Sequence[str]) -> bool:
    """Values joined by "and" are all of one field, or of datasets that have nothing to do with each other."""
    held = [{ref for ref, _ in one.values if not one.refs or ref in one.refs} for one in group]
    if any(all(ref in refs for refs in held) for ref in reached):
        return True
    homes = [{ref.partition(".")[0] for ref in refs} for refs in held]
    return len(held) < 2 or not set.intersection(*homes)


def _joined(ref: str, op: str, values: list[Scalar]) -> Filter:
    kept = tuple(dict.fromkeys(values))
    if len(kept) > VALUES_MAX:
        raise Unanswerable("unclear")
    if op == "in":
        return Filter(ref, "in", kept) if len(kept) > 1 else Filter(ref, "eq", kept)
    return Filter(ref, "not_in", kept) if len(kept) > 1 else Filter(ref, "ne", kept)
