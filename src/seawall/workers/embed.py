"""The embedding job: every index of similar rows that an app's panels should have, built where it is missing."""

from __future__ import annotations

import time

from seawall.ask.vectors.building import KEEP_OLD_SECONDS, Progress, build, index_name, is_built, panels_of
from seawall.core.errors import Unavailable
from seawall.query.generations import NoGeneration
from seawall.telemetry.events import event
from seawall.workers.workshop import Workshop

JOB = "embed"


async def embed(workshop: Workshop, app: str) -> int:
    """Build what is missing for `app`; how many indexes. What was embedded stays when it is interrupted."""
    site, vectors, embedder, made = workshop.site(app), workshop.vectors, workshop.embedder, 0
    if vectors is None or embedder is None:
        return 0
    for panel in panels_of(site.bundle.app):
        name = index_name(site.bundle.app, panel, workshop.generations.current(app), embedder.version)
        if await is_built(vectors, name):
            continue
        began, what = time.monotonic(), panel.name

        def told(progress: Progress, what: str = what) -> None:
            workshop.progress.tell(JOB, app, what, progress.done, progress.total)

        try:
            index = await build(name, panel, site.questions, vectors, embedder, told)
        finally:
            workshop.progress.end(JOB, app, what)
        made += 1
        seconds = round(time.monotonic() - began, 1)
        event("vectors.built", app=app, panel=panel.name, items=index.items, texts=index.texts, seconds=seconds)
    return made


async def reachable(workshop: Workshop) -> bool:
    """Whether the store answers and is set up."""
    try:
        if workshop.vectors is not None:
            await workshop.vectors.versions("", "")
    except Unavailable:
        return False
    return True


async def lacks_index(workshop: Workshop, app: str) -> bool:
    """Whether an index is missing that can be built now. Lets go of old ones, and says nothing is missing while the store is away."""
    site, vectors, embedder = workshop.site(app), workshop.vectors, workshop.embedder
    if vectors is None or embedder is None:
        return False
    missing = False
    try:
        for panel in panels_of(site.bundle.app):
            name = index_name(site.bundle.app, panel, workshop.generations.current(app), embedder.version)
            missing |= not await is_built(vectors, name)
            await vectors.drop_old(name.app, name.collection, older_seconds=KEEP_OLD_SECONDS)
    except (Unavailable, NoGeneration):
        return False
    return missing
