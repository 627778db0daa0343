"""Who sees what, as sets of roles; and whether anybody sees one thing who does not see another.

A person may hold several roles, and what one of them is refused another may allow. More roles never show less, so of all
whom a rule shuts out the one who holds every role that it shuts out sees most: asking about him answers for all.
"""

from __future__ import annotations

from collections.abc import Iterable

from seawall.app.model import Policy, Role

Audience = frozenset[frozenset[str]]
"""Conditions that must all hold; each is met by holding any of its roles. No condition: everybody."""


def readers(policy: Policy) -> Audience:
    """Who may read a dataset at all."""
    return frozenset({frozenset(policy.roles)}) if policy.roles else frozenset()


def viewers(policy: Policy, field: str) -> Audience:
    """Who sees a field's values."""
    return readers(policy) | ({frozenset(policy.mask[field])} if field in policy.mask else frozenset())


class Audiences:
    """Compares audiences among an app's roles."""

    def __init__(self, roles: dict[str, Role]) -> None:
        self._held = {name: _held(name, roles) for name in roles}
        self._answers: dict[tuple[Audience, Audience], tuple[str, ...]] = {}

    def beyond(self, shown: Audience, guarded: Audience) -> tuple[str, ...]:
        """Roles whose holder is of `shown` and not of `guarded`; none when there is nobody like that."""
        if (shown, guarded) not in self._answers:
            self._answers[shown, guarded] = self._beyond(shown, guarded)
        return self._answers[shown, guarded]

    def _beyond(self, shown: Audience, guarded: Audience) -> tuple[str, ...]:
        for needed in sorted(guarded, key=sorted):
            outside = [name for name, held in self._held.items() if not held & needed]
            held = _union(self._held[name] for name in outside)
            if outside and all(held & condition for condition in shown):
                return _fewest(outside, self._held, shown)
        return ()


def _fewest(outside: list[str], held: dict[str, frozenset[str]], shown: Audience) -> tuple[str, ...]:
    """One role of those outside that suffices, where there is one; else one for each condition."""
    alone = next((name for name in outside if all(held[name] & condition for condition in shown)), None)
    if alone is not None:
        return (alone,)
    needed = (next(name for name in outside if held[name] & condition) for condition in sorted(shown, key=sorted))
    return tuple(dict.fromkeys(needed))


def _held(name: str, roles: dict[str, Role]) -> frozenset[str]:
    """A role and all it extends."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        role = waiting.pop()
        if role in roles and role not in found:
            found.add(role)
            waiting.extend(roles[role].extends)
    return frozenset(found)


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*sets)
