"""`seawall ask`: a question in words, answered from an app's data as somebody with given rights would have it answered.

Several questions refine each other: `seawall ask apps/merchandising "sales by week" "only grocery" --as role=buyer`. The parser answers
from the prepared data on this machine, for which nothing needs to run; with a running instance words are also matched by meaning, and
what the parser is not sure of is asked of the route table's large model.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click
import msgspec

from seawall.app.load import load_bundle
from seawall.app.model import App, Bundle, Text
from seawall.ask.answer import Answered, answered
from seawall.ask.cascade import Asking, Cascade, Outcome
from seawall.ask.opening import open_cascade
from seawall.ask.question import Question
from seawall.ask.sentence import sentence
from seawall.ask.told import encoded, told
from seawall.cli.engines import reached, require_data
from seawall.cli.instance import reach
from seawall.cli.query import principal_of
from seawall.cli.query_print import print_explained, print_table
from seawall.core.deadline import Deadline
from seawall.core.errors import ConfigurationError, InvalidInput
from seawall.core.principal import Principal
from seawall.model_proxy.client import ModelProxyClient
from seawall.query.policy import resolve
from seawall.query.service import Answer, QueryService
from seawall.trust import keys
from seawall.trust.tokens import Tokens

TOKEN_SECONDS = 300.0
REFUSED = 3
"""Exit status when a question could not be answered for."""


class Way(msgspec.Struct, frozen=True):
    """How the questions are asked."""

    locale: str
    large: bool
    explain: bool
    as_json: bool


@click.command()
@click.argument("app", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("questions", nargs=-1, required=True)
@click.option("--as", "who", required=True, help="role=viewer,store_groups=a|b: the roles and attributes to ask with.")
@click.option("--locale", default="en", show_default=True, help="The language of answers; questions may be in any language Seawall reads.")
@click.option("--explain", is_flag=True, help="Show how each question was understood, and the statement.")
@click.option("--small", is_flag=True, help="Ask no large model.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a question.")
@click.option("--data", type=click.Path(path_type=Path), default=Path(".seawall"), show_default=True, help="An instance's data directory.")
@click.option("--timeout", type=click.FloatRange(0.1, 600), default=30.0, show_default=True, help="Seconds for each question.")
def ask(
    app: Path, questions: tuple[str, ...], who: str, locale: str, explain: bool, small: bool, as_json: bool, data: Path, timeout: float
) -> None:
    """Ask an app's data a question in words.

    Exit status 3: a question could not be answered from this data, or not with enough confidence.
    """
    way = Way(locale, not small, explain, as_json)
    understood = asyncio.run(_run(app, questions, principal_of(who), data, timeout, way))
    sys.exit(0 if understood else REFUSED)


async def _run(folder: Path, questions: tuple[str, ...], principal: Principal, data: Path, seconds: float, way: Way) -> bool:
    bundle = load_bundle(folder)
    if not set(principal.roles) & set(bundle.app.roles):
        raise InvalidInput("The app has no such role", expected=f"one of {', '.join(bundle.app.roles)}", got=", ".join(principal.roles))
    policy = resolve(bundle.app, principal)
    require_data(bundle.app, data)
    async with opened(bundle, folder, data, large=way.large) as (cascade, service):
        token = token_of(data, principal)
        before: Question | None = None
        for text in questions:
            deadline = Deadline.after(seconds)
            asking = Asking(text=text, locale=way.locale, policy=policy, token=token, before=before)
            outcome = await cascade.understand(asking, deadline=deadline)
            found = None
            if outcome.question is not None:
                found = await answered(service, policy, outcome.question, Text({way.locale: text}), deadline=deadline)
            _tell(outcome, text, bundle.app, way, found)
            if outcome.question is not None and way.explain and not way.as_json:
                moment, compiled = service.compile(outcome.question.query(), policy)
                print_explained(compiled, moment)
            if outcome.question is None:
                return False
            before = outcome.question
    return True


@asynccontextmanager
async def opened(bundle: Bundle, folder: Path, data: Path, *, large: bool) -> AsyncIterator[tuple[Cascade, QueryService]]:
    """A cascade over the prepared data, with the model proxy of the running instance, if one runs."""
    run = reach(data, os.environ).run
    client = ModelProxyClient(run) if (run / "gateway.sock").exists() else None
    async with reached(bundle.app, data) as there:
        service = QueryService(bundle, there.engines, there.generations)
        cascade, lexicons = open_cascade(bundle, folder, service, client=client, large=large)
        try:
            yield cascade, service
        finally:
            await lexicons.close()
            if client is not None:
                await client.aclose()


def token_of(data: Path, principal: Principal) -> str:
    """In whose name models are asked; "" where no instance has made keys."""
    try:
        return Tokens(keys.load(data / "keys")).mint(principal, TOKEN_SECONDS)
    except ConfigurationError:
        return ""


def _tell(outcome: Outcome, text: str, app: App, way: Way, found: Answered | None) -> None:
    if way.as_json:
        sys.stdout.buffer.write(encoded(told(outcome, text, app, way.locale, found)) + b"\n")
        sys.stdout.buffer.flush()
        return
    if way.explain:
        for step in outcome.steps:
            click.echo(f"# {step.name}: {step.outcome}{f' ({step.detail})' if step.detail else ''}, {step.ms:.1f} ms", err=True)
    if outcome.question is None or found is None:
        click.echo(outcome.reading.why or outcome.refusal, err=True)
        return
    click.echo(f"# {sentence(outcome.question, app, way.locale)}", err=True)
    if way.explain:
        click.echo(f"# understood by {outcome.tier}, confidence {outcome.confidence:.0%}", err=True)
    print_table(Answer(found.rows.table, found.rows.columns, found.watermark, found.as_of), sys.stdout.buffer)
