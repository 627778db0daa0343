"""The large tier: a model of the route table is asked for a draft, held to its schema while it writes, and once for a repair.

The prompt names the metrics and fields the question could be about, then the nearest golden examples, then the question: some three hundred
tokens, for the model in the box reads about a thousand a second. Nothing of the data is in it but what the question itself names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Protocol

import msgspec

from seawall.app.model import App
from seawall.ask.large_draft import NAMES_MAX, Draft, ValueOf, Words, draft_of, read_draft, schema_of, settled, written
from seawall.ask.question import Question
from seawall.core.deadline import Deadline
from seawall.core.errors import SeawallError
from seawall.query.compile_names import Vocabulary, datasets_of
from seawall.query.policy import EffectivePolicy

ROUTE = "large"
TOKENS_MAX = 120
EXAMPLES = 2
SYNONYMS_SHOWN = 2
NAMES_ASKED_MAX = 8
"""Metrics, and fields, that one prompt names: small models read slowly, and weak ones lose the thread."""
SEED = 1


class Example(msgspec.Struct, frozen=True):
    """A question and what it became: golden, or kept because somebody said it was right."""

    question: str
    means: Question | None
    """None: it was rightly refused."""


class Chat(Protocol):
    """The part of `ModelProxyClient` that is used."""

    async def chat(self, body: Mapping[str, Any], token: str, *, deadline: Deadline | None = None) -> dict[str, Any]:
        """A chat completion, whole."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the model is asked, and for whom."""

    text: str
    app: App
    policy: EffectivePolicy
    as_of: date | None
    examples: Sequence[Example]
    words: Words
    """What it may name: the part of the vocabulary that the question could be about."""
    before: Question | None = None
    """What the question follows up."""
    token: str
    """Of the asker: the call is made, limited and billed in their name."""


class Written(msgspec.Struct, frozen=True):
    """What came of it."""

    question: Question | None
    """None with `fault` empty: the model says that there is no answer."""
    fault: str = ""
    """What is wrong with what it wrote, as it was told or would be told."""
    raw: str = ""
    model: str = ""
    tokens_in: int = 0
    tokens_out: int = 0


class LargeTier:
    """Asks. `write` once, `repair` at most once with what was wrong."""

    def __init__(self, client: Chat, *, route: str = ROUTE) -> None:
        self._client = client
        self._route = route

    async def write(self, asked: Asked, value_of: ValueOf, deadline: Deadline) -> Written:
        """A first draft. SeawallError of the call itself: Unavailable, OverLimit, DeadlineExceeded, …"""
        return await self._ask(asked, messages(asked), value_of, deadline)

    async def repair(self, asked: Asked, wrong: Written, fault: str, value_of: ValueOf, deadline: Deadline) -> Written:
        """A second one, told what was wrong with the first."""
        told = {"role": "user", "content": f"That is wrong: {fault[:300]} Write the JSON again."}
        made = await self._ask(asked, [*messages(asked), {"role": "assistant", "content": wrong.raw[:2000]}, told], value_of, deadline)
        return msgspec.structs.replace(made, tokens_in=made.tokens_in + wrong.tokens_in, tokens_out=made.tokens_out + wrong.tokens_out)

    async def _ask(self, asked: Asked, turns: list[dict[str, str]], value_of: ValueOf, deadline: Deadline) -> Written:
        schema = schema_of(asked.words)
        body = {
            "model": self._route,
            "messages": turns,
            "temperature": 0,
            "seed": SEED,
            "max_tokens": TOKENS_MAX,
            "response_format": {"type": "json_schema", "json_schema": {"name": "query", "schema": schema, "strict": True}},
        }
        answer = await self._client.chat(body, asked.token, deadline=deadline)
        raw = str(_at(answer, "choices", 0, "message", "content") or "")
        usage = answer.get("usage") or {}
        made = Written(
            None, "", raw, str(answer.get("model", "")), int(usage.get("prompt_tokens", 0)), int(usage.get("completion_tokens", 0))
        )
        try:
            return msgspec.structs.replace(made, question=settled(read_draft(raw), asked.app, asked.policy, value_of))
        except SeawallError as error:
            return msgspec.structs.replace(made, fault=f"{error.detail} {error.expected and f'Expected {error.expected}.'}".strip())


def messages(asked: Asked) -> list[dict[str, str]]:
    """The turns of the prompt."""
    turns = [{"role": "system", "content": _system(asked.app, asked.words, asked.as_of)}]
    for example in asked.examples[:EXAMPLES]:
        draft = draft_of(example.means) if example.means is not None else Draft(answerable=False)
        turns += [{"role": "user", "content": example.question}, {"role": "assistant", "content": written(draft)}]
    content = asked.text
    if asked.before is not None:
        content = f"Before this it was: {written(draft_of(asked.before))}\nNow refine it: {asked.text}"
    return [*turns, {"role": "user", "content": content}]


def words_of(app: App, policy: EffectivePolicy) -> Words:
    """The metrics and fields an asker may name, within bounds: those of the vocabulary's first places."""
    known = Vocabulary(app, policy)
    metrics = [m.name for m in app.semantics.metrics.values() if all(name in policy.datasets for name in datasets_of(m))]
    fields = [
        field.ref
        for name, dataset in app.semantics.datasets.items()
        if name in policy.datasets
        for field in dataset.fields.values()
        if field.datatype in ("String", "Boolean") and not known.is_masked(field)
    ]
    return Words(tuple(metrics[:NAMES_MAX]), tuple(fields[:NAMES_MAX]))


def texts_of(app: App, words: Words) -> list[tuple[str, str]]:
    """(name, what it is called) of every metric and field, for finding the ones a question is about."""
    semantics = app.semantics
    named = [(name, semantics.metrics[name].label, semantics.metrics[name].synonyms) for name in words.metrics]
    named += [(ref, semantics.field(ref).label, semantics.field(ref).synonyms) for ref in words.fields]
    return [(name, text) for name, label, synonyms in named for text in dict.fromkeys([*label.by_locale.values(), *synonyms])]


def nearest_words(words: Words, wanted: Sequence[str], *, most: int = NAMES_ASKED_MAX) -> Words:
    """The first `most` metrics and fields of `wanted`, filled up in the vocabulary's order."""
    chosen = dict.fromkeys(wanted)
    metrics = [name for name in chosen if name in words.metrics] + [name for name in words.metrics if name not in chosen]
    fields = [name for name in chosen if name in words.fields] + [name for name in words.fields if name not in chosen]
    return Words(tuple(metrics[:most]), tuple(fields[:most]))


def _system(app: App, words: Words, as_of: date | None) -> str:
    semantics = app.semantics
    metrics = [
        f"{name}: {_named(semantics.metrics[name].label.in_locale('en'), semantics.metrics[name].synonyms)}" for name in words.metrics
    ]
    fields = [f"{ref}: {_named(semantics.field(ref).label.in_locale('en'), semantics.field(ref).synonyms)}" for ref in words.fields]
    return "\n".join(
        [
            f"Turn a question about {app.title.in_locale('en')} into a query, as JSON. Use only these names.",
            'What they cannot answer is {"answerable": false, "metrics": []}.',
            f"Periods look like 2017-03, 2017, last_4_weeks, this_month, 2017-01-01..2017-03-31. Data ends on {as_of}.",
            "Metrics:",
            *metrics,
            "Fields:",
            *fields,
        ]
    )


def _named(label: str, synonyms: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys([label, *synonyms[:SYNONYMS_SHOWN]]))


def _at(value: Any, *path: str | int) -> Any:  # noqa: ANN401 -- a provider's JSON
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value
