"""Who asks."""

from __future__ import annotations

import msgspec

Attribute = str | int | float | bool | tuple[str, ...]
"""A claim about a user that a policy may compare with: a scalar, or several strings."""


class Principal(msgspec.Struct, frozen=True):
    """A user or a machine, as a verified token describes it. Identity travels unchanged to the row policy."""

    user: str
    tenant: str = "default"
    roles: tuple[str, ...] = ()
    attributes: dict[str, Attribute] = {}
    scopes: tuple[str, ...] = ()
    session: str = ""
    """The sign-in this came from, for revocation; empty for a machine's token."""
