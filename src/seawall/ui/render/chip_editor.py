"""What the chips of a question need to know to be drawn: the question, what may be chosen, where its forms go."""

from __future__ import annotations

import msgspec

from seawall.ask.params import to_params
from seawall.ask.question import Question
from seawall.ui.ask.asked import query_of
from seawall.ui.ask.vocabulary import Offered
from seawall.ui.ask.worded import Odd
from seawall.ui.render.context import RenderContext

Pair = tuple[str, str]


class Editor(msgspec.Struct, frozen=True):
    """What the chips of one question need to know."""

    question: Question
    offered: Offered
    ctx: RenderContext
    lang: str = ""
    of: str = ""
    """The text that it was understood from: whoever mends a part and then says that it is right has shown what the text means."""
    odd: Odd | None = None
    """What was written into one of the fields and not understood: the field says so, and the question is what it was before."""

    @property
    def pairs(self) -> list[Pair]:
        """The whole question as fields of a form."""
        return to_params(self.question) + [(name, value) for name, value in (("of", self.of), ("lang", self.lang)) if value]

    @property
    def said(self) -> list[Pair]:
        """The question alone, for what goes on from it."""
        return to_params(self.question) + ([("lang", self.lang)] if self.lang else [])

    def is_odd(self, home: str) -> bool:
        """Whether a field of the form with this name was not understood."""
        return self.odd is not None and self.odd.at.removesuffix("-v") == home

    @property
    def action(self) -> str:
        """Where forms go."""
        return f"/{self.ctx.app}/ask"

    def href(self, question: Question) -> str:
        """The address of another question."""
        return f"{self.action}?{query_of(question, of=self.of, lang=self.lang)}"
