"""What every understood question must keep before it is run, whoever understood it: the parser, a model, a chip, a link.

Its names exist for the asker, it compiles to one statement under the asker's policy, its other period exists, and the database plans it.
The first three cost about a millisecond and no I/O; `planned` asks the database.
"""

from __future__ import annotations

from datetime import date

from seawall.app.model import App, Order
from seawall.ask.answer import compared_query, shown
from seawall.ask.question import CONDITIONS_MAX, VALUES_MAX, Question
from seawall.ask.rows import computed
from seawall.core.errors import InvalidInput
from seawall.query.compile_query import compile_query, engine_of
from seawall.query.errors import InvalidQuery
from seawall.query.policy import EffectivePolicy
from seawall.query.port import Compiled
from seawall.query.service import QueryService

DIALECTS = {"warehouse": "duckdb", "operational": "postgres"}


def check(app: App, policy: EffectivePolicy, question: Question, as_of: date | None) -> Compiled:
    """The statement. InvalidQuery, InvalidInput or NotFound say what is wrong, and with which part."""
    if not question.metrics and not question.by:
        raise InvalidQuery("A question asks for a metric or for a list", expected="one metric or one entry of `by`")
    if question.ratio and len(question.metrics) != 2:
        raise InvalidQuery("A ratio is of two metrics", expected="two metrics", got=str(len(question.metrics)))
    if len(question.where) > CONDITIONS_MAX or any(len(one.values) > VALUES_MAX for one in question.where):
        raise InvalidInput("The question has too many conditions", expected=f"{CONDITIONS_MAX} conditions of {VALUES_MAX} values")
    _check_order(question)
    query = shown(question)
    dialect = DIALECTS[engine_of(app, query)]
    compiled = compile_query(app, query, policy, dialect=dialect, as_of=as_of)
    if question.compare:
        compile_query(app, compared_query(app, question, query, as_of), policy, dialect=dialect, as_of=as_of)
    return compiled


async def planned(service: QueryService, policy: EffectivePolicy, question: Question) -> None:
    """`check`, and the database's own word that it can be run. QueryFailed when it refuses."""
    query = shown(question)
    moment, _ = service.compile(query, policy)
    check(service.app, policy, question, moment.as_of)
    await service.dry_run(query)


def columns(question: Question) -> tuple[str, ...]:
    """The names by which an answer can be ordered."""
    return (*(one.name for one in question.by), *question.metrics, *computed(question))


def _check_order(question: Question) -> None:
    known = columns(question)
    for one in question.order:
        if one.name not in known:
            expected = f"one of {', '.join(known)}"
            raise InvalidQuery(f"The answer has no column {one.name[:60]} to sort by", expected=expected, got=_written(one))
    if len(set(known)) < len(known):
        raise InvalidQuery("Two columns would have the same name", got=", ".join(known))


def _written(order: Order) -> str:
    return f"{'-' if order.descending else ''}{order.name[:60]}"
