"""What the ui server is made of: everything it needs arrives here as an argument, so that tests build it from twins.

`service.py` wires the real parts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from starlette.routing import BaseRoute

from seawall.app.model import App, Bundle
from seawall.ask.cascade import Cascade
from seawall.ask.vectors.similar import SimilarRows
from seawall.core.clock import SYSTEM_CLOCK, Clock
from seawall.core.errors import Unavailable
from seawall.query.cursor import Cursors
from seawall.query.generations import Generation
from seawall.query.ladder import Ladder
from seawall.query.service import QueryService
from seawall.query.usage import UsageRecorder
from seawall.trust.tokens import Tokens
from seawall.ui.ask.stores import KeptAnswers, Verdicts
from seawall.ui.assets import Assets
from seawall.ui.drawing import DRAWING, Drawing
from seawall.ui.headers import HeaderSet
from seawall.ui.health import Health
from seawall.ui.rights import RightsOf
from seawall.ui.vitals import Vitals

NO_WATERMARK = "none"


@dataclass(frozen=True)
class Site:
    """One app as this process serves it."""

    bundle: Bundle
    questions: QueryService
    generation: Callable[[], Generation]
    """The current one, from memory. NoGeneration when there is none yet."""
    rights: RightsOf
    similar: SimilarRows | None = None
    """Finds rows like others; None where no app has such a panel."""
    ask: Cascade | None = None
    """Understands questions; None where nothing can be asked."""

    @property
    def app(self) -> App:
        """The app itself."""
        return self.bundle.app

    def reading(self, generation: Generation | None) -> Site:
        """This site, answering from one generation: what is kept under a watermark is made by these."""
        questions = self.questions.reading(generation)
        return replace(self, questions=questions, similar=self.similar and self.similar.reading(questions))


@dataclass(frozen=True)
class UiServices:
    """Everything a ui process is wired from."""

    sites: Mapping[str, Site]
    """App name → site, in the order in which they are offered."""
    ladder: Ladder
    tokens: Tokens
    cursors: Cursors
    headers: HeaderSet
    assets: Assets
    health: Health
    drawing: Drawing = DRAWING
    usage: UsageRecorder | None = None
    vitals: Vitals | None = None
    verdicts: Verdicts | None = None
    kept: KeptAnswers | None = None
    auth_routes: tuple[BaseRoute, ...] = ()
    """Everything under `/auth/`: the write lane's."""
    public_url: str = "http://localhost:8420"
    secure: bool = False
    version: str = "dev"
    """Of the drawing code: fragments of another version are not served."""
    clock: Clock = SYSTEM_CLOCK


def generation_of(site: Site) -> Generation | None:
    """The current generation; without one, panels explain that there is no data yet."""
    try:
        return site.generation()
    except Unavailable:
        return None


def mark_of(generation: Generation | None) -> tuple[str, date | None]:
    """A generation's name and date."""
    return (generation.id, generation.as_of) if generation is not None else (NO_WATERMARK, None)


def watermark_of(site: Site) -> tuple[str, date | None]:
    """The current generation's name and date. What is kept under that name is made by `site.reading(generation)`."""
    return mark_of(generation_of(site))
