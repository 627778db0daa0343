"""Golden questions, asked: by the small tier alone, each with the question it follows up, and what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from asking.stand import WAIT, Stand
from seawall.app.model import Text
from seawall.ask.answer import answered
from seawall.ask.cascade import Asking, Cascade, Confidence
from seawall.ask.golden import Golden, asker_of, by_id, read
from seawall.ask.question import Question
from seawall.ask.scoring import Attempt, same_table
from seawall.ask.trial import Tried, tried
from seawall.core.deadline import Deadline
from seawall.core.errors import SeawallError
from seawall.query.policy import EffectivePolicy, resolve

STRANGER = "frobnication of zorbs"
"""Words of nobody's vocabulary: asked once before anything is timed, so that the vocabulary's meanings are known as they are in service."""


def goldens(folder: Path, *names: str) -> list[Golden]:
    """The questions of some files of an app's `golden/`."""
    return list(by_id(one for name in names for one in read(folder / "golden" / f"{name}.jsonl")).values())


async def asked(stand: Stand, chosen: Sequence[Golden], confidence: Confidence) -> list[Tried]:
    """Each question once, in order, by a cascade that has the small tier only."""
    cascade = Cascade(stand.bundle, stand.service, stand.lexicons, confidence, similar=stand.similar)
    for policy in {(one.role, repr(one.attributes)): _policy(stand, one) for one in chosen}.values():
        await cascade.understand(Asking(text=STRANGER, locale="en", policy=policy, token=""), deadline=Deadline.after(WAIT))
    return [one async for one in tried(cascade, stand.bundle.app, chosen, lambda _: "", seconds=WAIT)]


async def attempts(stand: Stand, ran: Sequence[Tried], *, every_reading: bool) -> list[Attempt]:
    """As they are scored; with `every_reading` what was read counts, whether or not it was confident enough to be answered."""
    made = []
    for one in ran:
        reading = one.outcome.reading
        attempt = (
            Attempt(one.golden, reading.question, reading.refusal, reading.confidence, milliseconds=one.ms)
            if every_reading
            else one.attempt()
        )
        made.append(await _compared(stand, attempt))
    return made


async def _compared(stand: Stand, attempt: Attempt) -> Attempt:
    """What is wrong by its form may still give the very table that was expected."""
    wanted = attempt.golden.expect
    if attempt.outcome != "wrong" or wanted is None or attempt.question is None:
        return attempt
    policy = _policy(stand, attempt.golden)
    tables = [await _rows(stand, question, policy) for question in (wanted, attempt.question)]
    return replace(attempt, same_result=same_table(tables[0], tables[1], ordered=bool(wanted.order)))


async def _rows(stand: Stand, question: Question, policy: EffectivePolicy) -> list[tuple[object, ...]]:
    try:
        answer = await answered(stand.service, policy, question, Text({}), deadline=Deadline.after(WAIT))
    except SeawallError:
        return []
    return [tuple(row.values()) for row in answer.rows.table.to_pylist()]


def _policy(stand: Stand, one: Golden) -> EffectivePolicy:
    return resolve(stand.bundle.app, asker_of(one, stand.bundle.app))
