"""Who may see what: roles, and the policy of each dataset."""

from __future__ import annotations

import msgspec

from seawall.app.model_query import Operator
from seawall.app.model_words import Scalar, Value


class Role(Value, frozen=True):
    """A name principals carry, and the roles it includes."""

    name: str
    extends: tuple[str, ...] = ()


class RowPolicy(Value, frozen=True):
    """Rows are visible where `field op value`. The value is the principal's attribute or a constant."""

    field: str
    """`dataset.field`; of this dataset or one reached by many-to-one relationships."""
    op: Operator
    attribute: str = ""
    """`user.NAME`. A principal without it sees no row."""
    values: tuple[Scalar, ...] = ()
    unless: tuple[str, ...] = ()


class Policy(Value, frozen=True):
    """The rule of one dataset. All row policies must hold."""

    dataset: str
    roles: tuple[str, ...] = ()
    """Who may read it at all; empty: every role of the app."""
    rows: tuple[RowPolicy, ...] = ()
    mask: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """Field name → the roles that see it unmasked."""
