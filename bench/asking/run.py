"""Golden questions, asked: by the small tier alone, each with the question it follows up, and what came of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from asking.stand import WAIT, Stand
from seawall.app.model import Text
from seawall.ask.answer import answered
from seawall.ask.cascade import Asking, Cascade, Confidence
from seawall.ask.golden import Golden, asker_of, by_id, read
from seawall.ask.question import Question
from seawall.ask.reading import Reader
from seawall.ask.scoring import Attempt, same_table
from seawall.core.deadline import Deadline
from seawall.core.errors import SeawallError
from seawall.query.policy import EffectivePolicy, resolve


def goldens(folder: Path, *names: str) -> dict[str, Golden]:
    """The questions of some files of an app's `golden/`, by id."""
    return by_id(one for name in names for one in read(folder / "golden" / f"{name}.jsonl"))


async def asked(
    stand: Stand, known: dict[str, Golden], chosen: Sequence[Golden], confidence: Confidence | None, *, compare: bool = True
) -> list[Attempt]:
    """Each question once, in order. With `confidence` through the cascade, which has the small tier only here; without, as it was read.

    `compare`: whether what is wrong by its form is run beside what was expected.
    """
    cascade = Cascade(stand.bundle, stand.service, stand.lexicons, confidence, similar=stand.similar) if confidence else None
    made = []
    for one in chosen:
        policy = resolve(stand.bundle.app, asker_of(one, stand.bundle.app))
        before = known[one.after].expect if one.after else None
        attempt = await (_cascaded(cascade, one, policy, before) if cascade else _read(stand, one, policy, before))
        made.append(await _compared(stand, attempt, policy) if compare else attempt)
    return made


async def _read(stand: Stand, one: Golden, policy: EffectivePolicy, before: Question | None) -> Attempt:
    deadline = Deadline.after(WAIT)
    lexicon = await stand.lexicons.of(policy, deadline)
    started = time.perf_counter()
    reading = await Reader(lexicon).read(
        one.question, locale=one.locale, as_of=stand.as_of, before=before, similar=stand.similar("", deadline)
    )
    took = (time.perf_counter() - started) * 1000
    return Attempt(one, reading.question, reading.refusal, reading.confidence, tier="small", milliseconds=took)


async def _cascaded(cascade: Cascade, one: Golden, policy: EffectivePolicy, before: Question | None) -> Attempt:
    asking = Asking(text=one.question, locale=one.locale, policy=policy, token="", before=before)
    started = time.perf_counter()
    outcome = await cascade.understand(asking, deadline=Deadline.after(WAIT))
    took = (time.perf_counter() - started) * 1000
    return Attempt(one, outcome.question, outcome.refusal, outcome.confidence, tier=outcome.tier, milliseconds=took)


async def _compared(stand: Stand, attempt: Attempt, policy: EffectivePolicy) -> Attempt:
    """What is wrong by its form may still give the very table that was expected."""
    wanted = attempt.golden.expect
    if attempt.outcome != "wrong" or wanted is None or attempt.question is None:
        return attempt
    tables = [await _rows(stand, question, policy) for question in (wanted, attempt.question)]
    return replace(attempt, same_result=same_table(tables[0], tables[1], ordered=bool(wanted.order)))


async def _rows(stand: Stand, question: Question, policy: EffectivePolicy) -> list[tuple[object, ...]]:
    try:
        answer = await answered(stand.service, policy, question, Text({}), deadline=Deadline.after(WAIT))
    except SeawallError:
        return []
    return [tuple(row.values()) for row in answer.rows.table.to_pylist()]
