"""Every golden question's query, and every other reading it accepts, runs on the real data as its asker and finds something.

`SEAWALL_TEST_DATA=1` keeps the prepared data under `.seawall/test-data/` for the next run.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from seawall.app.load import load_bundle
from seawall.app.model import Text
from seawall.ask.answer import Answered, answered
from seawall.ask.contract import check
from seawall.ask.golden import Golden, asker_of, by_id, chain_is_held_out, read
from seawall.core.deadline import Deadline
from seawall.query.duckdb_engine import DuckDBEngine
from seawall.query.generations import Generations
from seawall.query.policy import resolve
from seawall.query.service import QueryService
from seawall.workers.forecast.job import make_forecast
from seawall.workers.preparation import prepare, registry

APPS = Path(__file__).parents[2] / "apps"
KEPT = Path(__file__).parents[2] / ".seawall" / "test-data" / "golden"
ASKED = sorted(path.parent for path in APPS.glob("*/golden"))
NOTHING = "empty_result"
"""The tag of questions whose answer is meant to be empty."""


@asynccontextmanager
async def opened(folder: Path, scratch: Path) -> AsyncIterator[QueryService]:
    """The app's questions over its whole data, forecasts included."""
    root = KEPT if os.environ.get("SEAWALL_TEST_DATA") else scratch / "golden"
    generations = Generations(root)
    await prepare(folder, generations)
    bundle = load_bundle(folder)
    if bundle.app.prepare and (preparation := registry.find(bundle.app.prepare)).series:
        await make_forecast(bundle.app.name, preparation, generations, scratch / "cache")
    engine = DuckDBEngine(generations.locate, directory=root)
    yield QueryService(bundle, {"warehouse": engine}, generations)
    await engine.close()
    await generations.close()


async def found(service: QueryService, one: Golden) -> list[str]:
    """What is wrong with a question's readings."""
    policy, wrong = resolve(service.app, asker_of(one, service.app)), []
    for question in (one.expect, *one.also):
        if question is not None:
            moment, _ = service.compile(question.query(), policy)
            check(service.app, policy, question, moment.as_of)
            answer = await answered(service, policy, question, Text({}), deadline=Deadline.after(60))
            if question == one.expect and _is_empty(answer) != (NOTHING in one.tags):
                wrong.append(f"{one.id} {one.question!r}")
    return wrong


def _is_empty(answer: Answered) -> bool:
    """No rows, or rows in which nothing was measured; a single row of zeros was counted from nothing."""
    table, measured = answer.rows.table, [column.name for column in answer.rows.columns if column.role == "metric"]
    values = [value for name in measured for value in table.column(name).to_pylist()]
    nothing = {None, 0} if table.num_rows == 1 else {None}
    return table.num_rows == 0 or (bool(measured) and all(value in nothing for value in values))


@pytest.mark.parametrize("folder", ASKED, ids=lambda folder: folder.name)
async def test_every_reading_runs_and_finds_something(folder: Path, tmp_path: Path):
    """An expectation that cannot be met would make every parser wrong."""
    goldens = [one for path in sorted((folder / "golden").glob("*.jsonl")) for one in read(path)]
    async with opened(folder, tmp_path) as service:
        assert [problem for one in goldens for problem in await found(service, one)] == []


def test_the_held_out_third_of_merchandising_lies_apart():
    """Whoever develops reads dev.jsonl only; chains are whole. What confidence is fitted on, now or before, is neither."""
    folder = APPS / "merchandising" / "golden"
    sides = {name: by_id(read(folder / f"{name}.jsonl")) for name in ("dev", "held-out", "fit", "fit-used")}
    assert {path.stem for path in folder.glob("*.jsonl")} == set(sides)
    for name in ("dev", "held-out"):
        assert {chain_is_held_out(one, sides[name]) for one in sides[name].values()} == {name == "held-out"}
    assert not sides["dev"].keys() & sides["held-out"].keys()
    assert not {chain_is_held_out(one, sides["fit"]) for one in sides["fit"].values()} - {False}
    assert not sides["fit"].keys() & {*sides["dev"], *sides["held-out"], *sides["fit-used"]}
    texts = {name: {one.question.casefold().strip(" ?.!") for one in known.values() if not one.after} for name, known in sides.items()}
    assert not texts["fit"] & (texts["dev"] | texts["held-out"] | texts["fit-used"])
    assert len(sides["dev"]) + len(sides["held-out"]) >= 210


def test_confidence_is_fitted_on_questions_of_every_kind():
    """A fit on what is easy, or on what can be answered alone, would be too sure of the rest."""
    known = by_id(read(APPS / "merchandising" / "golden" / "fit.jsonl"))
    tags = [tag for one in known.values() for tag in one.tags]
    assert len(known) >= 300
    assert sum(one.refuse is not None for one in known.values()) >= 75
    least = {"follow_up": 50, "de": 30, "near_miss": 30, "typo": 20, "voice": 4, "esl": 7, "two_sentences": 5, "compare": 6, "ratio": 6}
    assert {tag: tags.count(tag) for tag in least if tags.count(tag) < least[tag]} == {}


def test_golden_questions_cover_what_people_ask():
    """The kinds that the issue names are all there, in numbers."""
    known = by_id([one for path in sorted((APPS / "merchandising" / "golden").glob("*.jsonl")) for one in read(path)])
    tags = [tag for one in known.values() for tag in one.tags]
    least = {"follow_up": 30, "chain": 12, "unanswerable": 25, "injection": 10, "de": 32, "negation": 10, "ratio": 5, "forecast": 10}
    assert {tag: tags.count(tag) for tag in least if tags.count(tag) < least[tag]} == {}
    assert {
        tag for tag in ("empty", "oversized", "null", "typo", "compare", "top", "bottom", "ambiguous", "role", "show") if tag not in tags
    } == set()
