"""What an asker's data holds: the values of text fields and the days of each dataset, read as the asker would read them.

Every value comes through a governed query under the asker's own policy, so nothing they may not see gets into their lexicon. Bounded:
a field with more than `VALUES_MAX` values gives none at all (such a field holds texts, not names), nor do values longer than a line.
"""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from seawall.app.model import Dimension, Filter, MetricQuery, Order
from seawall.core.deadline import Deadline
from seawall.core.errors import DeadlineExceeded, SeawallError
from seawall.query.compile_names import Vocabulary
from seawall.query.policy import EffectivePolicy
from seawall.query.service import QueryService

VALUES_MAX = 50_000
"""Of one field."""
VALUES_TOTAL_MAX = 200_000
VALUE_CHARACTERS_MAX = 80


class Held(msgspec.Struct, frozen=True):
    """What the data holds for one asker."""

    values: dict[str, tuple[str, ...]]
    """Field → its values, sorted."""
    days: dict[str, tuple[date, date]]
    """Dataset → the first and the last day of its default time."""
    watermark: str = ""


async def held(service: QueryService, policy: EffectivePolicy, *, deadline: Deadline) -> Held:
    """The values and days that `policy` shows. DeadlineExceeded; a field whose database is not there gives none."""
    known = Vocabulary(service.app, policy)
    values: dict[str, tuple[str, ...]] = {}
    days: dict[str, tuple[date, date]] = {}
    room = VALUES_TOTAL_MAX
    for name in policy.datasets:
        dataset = service.app.semantics.datasets[name]
        for field in dataset.fields.values():
            if field.datatype == "String" and not known.is_masked(field):
                found = await _values(service, policy, field.ref, deadline)
                if 0 < len(found) <= room:
                    values[field.ref] = found
                    room -= len(found)
        if dataset.time and not known.is_masked(known.time_field(name)):
            extent = await _days(service, policy, known.time_field(name).ref, deadline)
            if extent is not None:
                days[name] = extent
    return Held(values, days)


async def _values(service: QueryService, policy: EffectivePolicy, ref: str, deadline: Deadline) -> tuple[str, ...]:
    try:
        found = await service.options(ref, policy, deadline=deadline, limit=VALUES_MAX + 1)
    except DeadlineExceeded:
        raise
    except SeawallError:
        return ()
    if len(found) > VALUES_MAX:
        return ()
    return tuple(value for value in found if isinstance(value, str) and 0 < len(value) <= VALUE_CHARACTERS_MAX)


async def _days(service: QueryService, policy: EffectivePolicy, ref: str, deadline: Deadline) -> tuple[date, date] | None:
    ends: list[date] = []
    for descending in (False, True):
        by = (Dimension("day", ref, "day"),)
        query = MetricQuery((), by, (Filter(ref, "not_null"),), (Order("day", descending),), limit=1)
        try:
            answer = await service.table(query, policy, deadline=deadline)
        except DeadlineExceeded:
            raise
        except SeawallError:
            return None
        found = answer.table.column(0).to_pylist()
        ends += [value.date() if isinstance(value, datetime) else value for value in found if value is not None]
    return (ends[0], ends[1]) if len(ends) == 2 else None
