"""What a chip's form sent, as the address that says the same: a condition put together, times in their short form, values as the data
writes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from seawall.app.model import Filter, Scalar
from seawall.ask.said_period import compared_said, period_said
from seawall.core.deadline import Deadline
from seawall.core.errors import SeawallError
from seawall.ui.ask.asked import PARTS, TEXT_MAX, is_in_parts, joined, last, query_of, question_of, with_condition
from seawall.ui.ask.worded import Worded, worded
from seawall.ui.params import Values, to_query
from seawall.ui.rights import Rights
from seawall.ui.wiring import Site

SUGGESTED_MAX = 200
SUGGESTED_SECONDS = 0.3


async def address_of(site: Site, rights: Rights, values: Values, locale: str, as_of: date | None, deadline: Deadline) -> str | None:
    """Where the page goes on to; None when its address is complete as it stands. Times count back from `as_of`, the data's date."""

    def read(text: str) -> str | None:
        return period_said(text, locale, as_of)

    def against(text: str) -> str | None:
        return compared_said(text, locale, as_of, read(last(values, "period")) or "")

    short = worded(values, read, against)
    if is_in_parts(values):
        return await _joined(site, rights, short or Worded(values), deadline)
    return f"/{site.app.name}/ask{to_query(short.values, **short.told)}" if short is not None else None


async def values_of(site: Site, rights: Rights, ref: str, deadline: Deadline) -> Sequence[Scalar]:
    """What a field holds, as far as the asker may see it; nothing when that cannot be had soon."""
    return await _held(site, rights, ref, Deadline.after(min(SUGGESTED_SECONDS, max(deadline.remaining(), 0.05)), deadline.clock))


async def _held(site: Site, rights: Rights, ref: str, limit: Deadline) -> Sequence[Scalar]:
    try:
        return await site.questions.options(ref, rights.policy, deadline=limit, limit=SUGGESTED_MAX)
    except SeawallError:
        return ()


async def _joined(site: Site, rights: Rights, sent: Worded, deadline: Deadline) -> str:
    """The address that says what a chip's form said. A value written in other letters is the one that the data has."""
    values = sent.values
    try:
        rest, made = joined(site.app, rights.policy, values)
        if made is not None:
            made = await _spelled(site, rights, made, deadline)
        question = question_of(site.app, rights.policy, rest)
    except SeawallError:
        return f"/{site.app.name}/ask{to_query({name: given for name, given in values.items() if name not in PARTS})}"
    if made is not None:
        question = with_condition(question, made, values)
    return f"/{site.app.name}/ask?{query_of(question, of=last(values, 'of')[:TEXT_MAX], lang=last(values, 'lang')[:35], **sent.told)}"


async def _spelled(site: Site, rights: Rights, made: Filter, deadline: Deadline) -> Filter:
    if made.op not in ("eq", "ne", "in", "not_in") or site.app.semantics.field(made.field).datatype != "String":
        return made
    known = {str(one).casefold(): one for one in await _held(site, rights, made.field, deadline)}
    return msgspec.structs.replace(made, values=tuple(known.get(str(one).casefold(), one) for one in made.values))
