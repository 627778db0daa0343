"""How sensitive a call is: it begins with the policy's class, and a header or a finding can only raise it."""

from __future__ import annotations

from seawall.model_proxy.call import DATA_CLASSES, DataClass
from seawall.model_proxy.errors import BadCall

HEADER = "seawall-data-class"
_RANK = {name: rank for rank, name in enumerate(DATA_CLASSES)}


def higher(one: DataClass, other: DataClass) -> DataClass:
    """The more sensitive of two."""
    return one if _RANK[one] >= _RANK[other] else other


def declared(headers: dict[str, str], least: DataClass) -> DataClass:
    """What the caller says of its data, where that is above `least`. BadCall for a word that is no class."""
    said = headers.get(HEADER)
    if said is None:
        return least
    if said not in _RANK:
        raise BadCall(f"The header {HEADER} names no data class", param=HEADER, expected=", ".join(DATA_CLASSES), got=repr(said[:40]))
    return higher(said, least)
