"""A ui server where questions can be asked: the cascade is a table of texts and what they mean."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from tests.unit.ui_server.sample import House, sample_bundle

from seawall.ask.cascade import Asking, Outcome
from seawall.ask.question import Question, by_field
from seawall.ask.reading import Reading
from seawall.ask.spans import Span
from seawall.core.deadline import Deadline
from seawall.query.service import QueryService
from seawall.ui.ask.memory import AskedMemoryDatabase
from seawall.ui.ask.stores import KeptAnswers, Verdicts
from seawall.ui.rights import RightsOf
from seawall.ui.wiring import Site

SALES = Question(("sales",), by=(by_field("transactions.department"),))


class Understands:
    """Understands what it was told to; refuses the rest."""

    def __init__(self, meanings: Mapping[str, Question]) -> None:
        self.meanings = dict(meanings)
        self.asked: list[Asking] = []
        self.delay_seconds = 0.0
        self.fault: Exception | None = None

    async def understand(self, asking: Asking, *, deadline: Deadline) -> Outcome:
        self.asked.append(asking)
        await asyncio.sleep(self.delay_seconds)
        if self.fault is not None:
            raise self.fault
        question = self.meanings.get(asking.text)
        if question is None:
            spans = (Span(0, len(asking.text.split(" ")[0]), "unknown", asking.text),)
            reading = Reading(refusal="unknown_words", why="Not <known>.", spans=spans, offers=("sales", "transactions.department"))
            return Outcome(question=None, tier="", confidence=0.0, reading=reading, steps=(), refusal="unknown_words")
        reading = Reading(question=question, spans=(Span(0, 5, "metric", "sales"),))
        return Outcome(question=question, tier="small", confidence=0.93, reading=reading, steps=())


class AskingHouse(House):
    """See the module; `cascade.meanings` may be changed by a test."""

    def __init__(self, lane: Literal["read", "write"] = "read", **more: object) -> None:
        plain = House(lane)
        self.cascade = Understands({"sales by department": SALES})
        bundle = sample_bundle()
        questions = QueryService(bundle, {"warehouse": plain.engine}, plain.generations)
        site = Site(bundle, questions, lambda: plain.generations.current("shop"), RightsOf(bundle.app))
        site = replace(site, ask=self.cascade)  # type: ignore[arg-type]
        self.database = AskedMemoryDatabase()
        stores = {"verdicts": Verdicts(self.database), "kept": KeptAnswers(self.database)}
        super().__init__(lane, sites={"shop": site}, **(stores | more))
        self.engine, self.generations = plain.engine, plain.generations
