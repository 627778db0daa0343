"""What jobs work with: the apps of this instance, their generations, their questions, and what has been looked at.

Everything arrives as an argument, so that tests build a workshop from twins; `service.py` wires the real parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from seawall.app.model import Bundle
from seawall.ask.vectors.embedder import Embedder
from seawall.ask.vectors.port import Vectors
from seawall.core.errors import NotFound
from seawall.query.generations import Generations
from seawall.query.service import QueryService
from seawall.query.summaries import Summaries
from seawall.query.usage import UsageRecorder
from seawall.store.database import Queries
from seawall.workers.preparation.plan import Preparation
from seawall.workers.preparation.registry import find
from seawall.workers.progress import NOWHERE, ProgressBook


class Site(msgspec.Struct, frozen=True):
    """One app as jobs see it."""

    bundle: Bundle
    questions: QueryService

    @property
    def preparation(self) -> Preparation | None:
        """What prepares its data; None when nothing does."""
        return find(self.bundle.app.prepare) if self.bundle.app.prepare else None

    @property
    def forecasts(self) -> bool:
        """Whether there is something to forecast."""
        return self.preparation is not None and bool(self.preparation.series)


class Workshop(msgspec.Struct, frozen=True):
    """Everything a job may need."""

    sites: Mapping[str, Site]
    generations: Generations
    usage: UsageRecorder
    cache_folder: Path
    """What may be lost: compiled code of libraries."""
    summaries: Summaries | None = None
    """Last-good answers, for upkeep."""
    database: Queries | None = None
    """What browsers measured, for upkeep."""
    vectors: Vectors | None = None
    """Where indexes of similar rows are kept."""
    embedder: Embedder | None = None
    progress: ProgressBook = NOWHERE
    """How far long jobs are."""

    def site(self, app: str) -> Site:
        """The app's site. NotFound when this instance does not serve it any more."""
        if app not in self.sites:
            raise NotFound(f"This instance serves no app called {app!r}")
        return self.sites[app]
