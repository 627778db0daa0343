"""What came of a question, as programs read it: the API's body and `seawall ask --json`."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import msgspec

from seawall.app.model import App
from seawall.ask.answer import Answered
from seawall.ask.cascade import Outcome, Step
from seawall.ask.params import to_params
from seawall.ask.question import Question
from seawall.ask.sentence import sentence
from seawall.query.decimals import plain


class Told(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Either a question with its rows, or why there is none."""

    asked: str
    question: Question | None = None
    """What it was understood as; sent back as `before` it is refined by the next text."""
    sentence: str = ""
    """The same in words."""
    url: str = ""
    """Where the answer is shown, and can be edited."""
    tier: str = ""
    """Who understood it: `small`, `cache`, `large` or `repair`."""
    confidence: float = 0.0
    """The probability that it was understood rightly, fitted on golden questions."""
    columns: list[dict[str, str]] = []
    rows: list[dict[str, Any]] = []
    watermark: str = ""
    refusal: str = ""
    """Why not, as a word; `why` says it as a sentence, `offers` names what could be asked."""
    why: str = ""
    offers: tuple[str, ...] = ()
    model: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    steps: tuple[Step, ...] = ()


def told(outcome: Outcome, asked: str, app: App, locale: str, answered: Answered | None = None) -> Told:
    """The outcome and, where it was run, the rows; decimals as numbers without zeros at their ends."""
    question = outcome.question
    base = Told(
        asked=asked,
        tier=outcome.tier,
        confidence=round(outcome.confidence, 4),
        model=outcome.model,
        tokens_in=outcome.tokens_in,
        tokens_out=outcome.tokens_out,
        steps=outcome.steps,
    )
    if question is None:
        reading = outcome.reading
        return msgspec.structs.replace(base, refusal=outcome.refusal, why=reading.why, offers=reading.offers)
    made = msgspec.structs.replace(base, question=question, sentence=sentence(question, app, locale), url=url_of(app, question))
    if answered is None:
        return made
    columns = [{"name": one.name, "label": one.label.in_locale(locale), "type": one.datatype} for one in answered.rows.columns]
    rows = [
        {name: plain(value) if isinstance(value, Decimal) else value for name, value in row.items()}
        for row in answered.rows.table.to_pylist()
    ]
    return msgspec.structs.replace(made, columns=columns, rows=rows, watermark=answered.watermark)


def url_of(app: App, question: Question) -> str:
    """The page that shows an answer."""
    return f"/{app.name}/ask?{urlencode(to_params(question))}"


def encoded(told: Told) -> bytes:
    """JSON; decimals are numbers."""
    return msgspec.json.Encoder(decimal_format="number").encode(told)
