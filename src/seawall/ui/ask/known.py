"""What became of a question on the page: understood, or refused with a reason and with what could be asked instead."""

from __future__ import annotations

import msgspec

from seawall.ask.cascade import Asking, Outcome
from seawall.ask.question import Question
from seawall.ask.sentence import sentence
from seawall.core.errors import DeadlineExceeded, NotFound, SeawallError
from seawall.telemetry.events import event
from seawall.ui.ask.answers import title_of
from seawall.ui.ask.asked import query_of
from seawall.ui.ask.marks import marks_of
from seawall.ui.ask.offers import examples, offers
from seawall.ui.ask.visit import Visit
from seawall.ui.messages import FALLBACK, Messages
from seawall.ui.render import ask as draw


class Known(msgspec.Struct, frozen=True):
    """What became of the question."""

    heard: draw.Heard
    question: Question | None = None
    refusal: str = ""
    links: tuple[draw.Link, ...] = ()
    judged: bool = True
    """Whether somebody could say that this is right or wrong; not so when nothing was understood because something is away."""


async def known_of(visit: Visit) -> Known:
    """The question, or why there is none."""
    asked, words = visit.asked, visit.ctx.messages
    if visit.fault is not None:
        heard = draw.Heard(words["ask.title"], why=_particular(visit.fault, words))
        return Known(heard, refusal=visit.fault.slug, links=_examples(visit))
    if asked.text:
        try:
            outcome = await _understood(visit)
        except SeawallError as error:
            event("ask.failed", app=visit.site.app.name, reason=error.slug)
            return Known(draw.Heard(asked.text, why=words[_fault(error)]), refusal=error.slug, links=(_again(visit),), judged=False)
        return _of(visit, outcome)
    if asked.question is None:
        return Known(draw.Heard(words["ask.title"]), links=_examples(visit))
    title = title_of(asked.question, visit.site.app, visit.ctx.locale)
    return Known(draw.Heard(title, said=asked.said), asked.question)


async def _understood(visit: Visit) -> Outcome:
    asked, cascade = visit.asked, visit.site.ask
    if cascade is None:
        raise NotFound("Nothing can be asked here")
    asking = Asking(text=asked.text, locale=visit.ctx.locale, policy=visit.rights.policy, token=visit.token, before=asked.before)
    return await cascade.understand(asking, deadline=visit.deadline)


def _of(visit: Visit, outcome: Outcome) -> Known:
    asked, app, locale = visit.asked, visit.site.app, visit.ctx.locale
    before = asked.before
    heard = draw.Heard(
        title=asked.text,
        spans=marks_of(outcome.reading) if outcome.question is None or outcome.tier == "small" else (),
        after=sentence(before, app, locale) if before else "",
        after_href=f"/{app.name}/ask?{query_of(before, lang=asked.lang)}" if before else "",
        tier=outcome.tier,
        model=outcome.model,
        confidence=outcome.confidence,
        said=asked.said,
    )
    if outcome.question is not None:
        return Known(heard, outcome.question)
    why = outcome.reading.why or visit.ctx.messages["ask.unsure"]
    links = offers(visit.offered, outcome.reading, locale, lang=asked.lang)
    return Known(msgspec.structs.replace(heard, why=why), refusal=outcome.refusal, links=links)


def _examples(visit: Visit) -> tuple[draw.Link, ...]:
    return examples(visit.offered, visit.ctx.locale, lang=visit.asked.lang)


def _again(visit: Visit) -> draw.Link:
    return draw.Link(f"/{visit.ctx.app}/ask?{visit.query}", visit.ctx.messages["retry"])


def unaskable(visit: Visit, known: Known, error: SeawallError) -> Known:
    """Of a question that was understood and cannot be asked: why, as compiling it tells."""
    why = visit.ctx.messages[_fault(error)] if error.status >= 500 else _particular(error, visit.ctx.messages)
    links = [_again(visit)] if error.status >= 500 else []
    heard = msgspec.structs.replace(known.heard, why=why, tier="")
    return Known(heard, refusal=error.slug, links=(*links, *_examples(visit)), judged=error.status < 500)


def _particular(error: SeawallError, words: Messages) -> str:
    """What is wrong with the address: in English what exactly, in other languages what kind of thing."""
    key = f"problem.{error.slug}"
    return error.sentence() if words.locale == FALLBACK or key not in words else words[key]


def _fault(error: SeawallError) -> str:
    """The words for why nothing could be understood."""
    return "ask.late" if isinstance(error, DeadlineExceeded) else "failed.unavailable"
