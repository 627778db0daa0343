"""What a principal may see, resolved once and named by a fingerprint.

`resolve` turns an app's policies and a verified principal into constants: predicates with values, masked fields. A dataset
the principal may not read is absent, and from then on nobody can tell it from one that never existed. Equal rights give
equal values and so equal fingerprints, which is what lets people share cached answers; rights that differ in anything
give different ones. Everything doubtful (a missing attribute, a value of the wrong type, an empty one that all rows would match)
shows no row, and a field over a column that a mask hides anywhere is masked, in every dataset over the same table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import msgspec

from seawall.app.model import App, DataType, Filter, Operator, Policy, RowPolicy, Scalar, Semantics
from seawall.app.physical import columns_in, siblings
from seawall.core.digest import canonical, digest
from seawall.core.principal import Principal
from seawall.query.errors import InvalidQuery
from seawall.query.periods import span_of
from seawall.query.sql_types import checked, is_day

_EMPTY_OPENS: frozenset[Operator] = frozenset({"starts_with", "contains"})
"""Every text starts with and contains the empty one."""
_EMPTY_EXCLUDES_NOTHING: frozenset[Operator] = frozenset({"ne", "not_in", "gt", "ge"})
"""And is different from it, or not before it: an attribute left empty would show all."""
_MOMENTS: frozenset[DataType] = frozenset({"DateTime", "DateTimeTz"})
_ANY_DAY = date(2000, 6, 15)
"""To try relative periods on."""
_SEVERAL: dict[Operator, Operator] = {"eq": "in", "ne": "not_in", "in": "in", "not_in": "not_in"}
"""What an operator means when the attribute has several values; the others then show nothing."""


class Access(msgspec.Struct, frozen=True):
    """How one dataset may be read: only rows for which all predicates hold, and never the masked fields' values."""

    predicates: tuple[Filter, ...] = ()
    masked: tuple[str, ...] = ()


class EffectivePolicy(msgspec.Struct, frozen=True):
    """Everything one principal may see of one app."""

    datasets: dict[str, Access]

    def fingerprint(self, datasets: Iterable[str]) -> str:
        """Names the rights over just these datasets: 64 hexadecimal digits, the same for equal rights."""
        return digest({name: self.datasets.get(name) for name in set(datasets)})


def resolve(app: App, principal: Principal) -> EffectivePolicy:
    """What `principal` may see. A dataset without a policy, or for other roles, is absent."""
    held = roles_of(app, principal)
    known = {name: policy for name, policy in sorted(app.policies.items()) if name in app.semantics.datasets}
    readable = {name for name, policy in known.items() if held and (not policy.roles or held.intersection(policy.roles))}
    masked = {name: _masked(policy, held if name in readable else frozenset()) for name, policy in known.items()}
    hidden = hidden_fields(app.semantics, masked)
    return EffectivePolicy(
        {name: Access(_predicates(app, known[name], principal, held), hidden.get(name, ())) for name in sorted(readable)}
    )


def hidden_fields(semantics: Semantics, masked: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """Dataset → every field that is masked or shares a column with a masked field of any dataset over the same table, sorted."""
    found = {name: set(fields) for name, fields in masked.items()}
    if not any(found.values()):
        return {}
    for group in siblings(semantics.datasets.values()):
        fields = {field.ref: field for dataset in group for field in dataset.fields.values()}
        refs = {f"{dataset.name}.{name}" for dataset in group for name in masked.get(dataset.name, ())}
        columns = frozenset().union(*(columns_in(fields[ref].expression) for ref in refs if ref in fields))
        for field in fields.values() if columns else ():
            if columns & columns_in(field.expression):
                found.setdefault(field.dataset, set()).add(field.name)
    return {name: tuple(sorted(fields)) for name, fields in found.items()}


def unrestricted(app: App) -> EffectivePolicy:
    """Everything, for checks of the app itself; never for a person."""
    return EffectivePolicy({name: Access() for name in sorted(app.semantics.datasets)})


def roles_of(app: App, principal: Principal) -> frozenset[str]:
    """The app's roles that the principal holds, those they extend included."""
    held: set[str] = set()
    waiting = [role for role in principal.roles if role in app.roles]
    while waiting:
        name = waiting.pop()
        if name not in held and name in app.roles:
            held.add(name)
            waiting.extend(app.roles[name].extends)
    return frozenset(held)


def _predicates(app: App, policy: Policy, principal: Principal, held: frozenset[str]) -> tuple[Filter, ...]:
    predicates = {_predicate(app, row, principal) for row in policy.rows if not held.intersection(row.unless)}
    return tuple(sorted(predicates, key=canonical))


def _masked(policy: Policy, held: frozenset[str]) -> tuple[str, ...]:
    return tuple(name for name, unless in policy.mask.items() if not held.intersection(unless))


def _predicate(app: App, row: RowPolicy, principal: Principal) -> Filter:
    nothing = Filter(row.field, "in", ())
    if row.op in {"is_null", "not_null"}:
        return Filter(row.field, row.op)
    datatype = app.semantics.field(row.field).datatype
    values = _attribute(row.attribute, principal) if row.attribute else row.values
    typed = [_typed(value, datatype) for value in values]
    if not typed or not all(_can_be_asked(value, row.op, datatype) for value in typed):
        return nothing
    if "" in typed and (row.op in _EMPTY_OPENS or (row.attribute and row.op in _EMPTY_EXCLUDES_NOTHING)):
        return nothing
    if row.op in _SEVERAL:
        op = _SEVERAL[row.op] if len(typed) > 1 else row.op
        return Filter(row.field, op, _canonical_values(typed))
    return Filter(row.field, row.op, tuple(typed)) if len(typed) == 1 else nothing


def _canonical_values(values: list[Scalar]) -> tuple[Scalar, ...]:
    by_text = {canonical(value): value for value in values}
    return tuple(by_text[text] for text in sorted(by_text))


def _attribute(name: str, principal: Principal) -> tuple[Scalar, ...]:
    """The attribute's values; `user.id` and `user.tenant` are the verified identity itself. Empty when there is none."""
    key = name.removeprefix("user.")
    if key == "id":
        return (principal.user,)
    if key == "tenant":
        return (principal.tenant,)
    value = principal.attributes.get(key)
    if value is None:
        return ()
    return tuple(value) if isinstance(value, tuple | list) else (value,)


def _typed(value: Scalar, datatype: DataType) -> Scalar:
    """`value` as the field's type expects it; None, which shows no row, when it cannot be."""
    if datatype == "Boolean":
        return value if isinstance(value, bool) else {"true": True, "false": False}.get(str(value))
    if isinstance(value, bool) or value is None:
        return None
    if datatype == "Integer":
        text = str(value)
        return int(text) if text.removeprefix("-").isdecimal() and len(text) <= 18 else None
    if datatype in {"Float", "Decimal"}:
        return _number(value)
    return str(value)


def _can_be_asked(value: Scalar, op: Operator, datatype: DataType) -> bool:
    """Whether the database can be asked with the value: a text need not be a day, nor a period."""
    if value is None:
        return False
    try:
        if op == "during":
            span_of(str(value), _ANY_DAY)
        else:
            checked(value, "Date" if datatype in _MOMENTS and is_day(value) else datatype)
    except InvalidQuery:
        return False
    return True


def _number(value: str | int | float) -> Scalar:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if abs(number) < 1e300 else None
