"""What describes the rows of a dataset, as somebody may see it: each distinct text with the keys of the rows it describes.

Read by a governed query, so that who may not see a row does not learn of its text; kept for the policies used last. Words are looked for in
the texts: this is what is left when the vector store is away, and it takes part in searches by words when it is not.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Mapping
from itertools import groupby

import msgspec
import pyarrow as pa

from seawall.app.model import App, Order, RowsQuery, Similar
from seawall.app.similar import key_field
from seawall.ask.vectors.port import START, Near, Position, digest_of, key_of
from seawall.core.deadline import Deadline
from seawall.core.digest import digest
from seawall.core.errors import ConfigurationError
from seawall.query.policy import EffectivePolicy
from seawall.query.service import QueryService

KEPT_MAX = 8
"""Policies' texts in memory; those of 92,000 rows take some 10 MB."""
ROWS_MAX = 2_000_000
READ_SECONDS_MAX = 30.0
PARTIAL = 0.8
"""What a word that only begins another counts."""
COMMON = 0.2
"""A word in a larger share of the texts tells little."""
MEANT_MAX = 10_000
_WORD = re.compile(r"[^\W_]+")
SEPARATOR = ", "


class Described:
    """Texts and the keys of their rows."""

    def __init__(self, texts: list[str], keys: list[list[str]]) -> None:
        self.texts = texts
        self.keys = keys
        """Of each text, sorted."""
        self._words: dict[str, list[int]] = defaultdict(list)
        counts: list[Counter[str]] = []
        for place, text in enumerate(texts):
            counts.append(Counter(words_of(text)))
            for word in counts[-1]:
                self._words[word].append(place)
        self._weights = {word: math.log(1 + len(texts) / len(places)) for word, places in self._words.items()}
        self._lengths = [math.sqrt(math.fsum(self._weights[word] ** 2 for word in each)) or 1.0 for each in counts]
        self._by_digest: dict[bytes, int] | None = None
        self._meant: dict[str, dict[str, float]] = {}

    @property
    def items(self) -> int:
        """How many rows are described."""
        return sum(map(len, self.keys))

    def likeness(self, words: str) -> dict[int, float]:
        """How alike texts (by place) are to some words, above 0 up to 1: the cosine of their words weighted by rarity."""
        wanted = {word: self._like(word) for word in words_of(words)}
        telling = {word: found for word, found in wanted.items() if not self._is_common(found)}
        wanted = telling or wanted
        length = math.sqrt(math.fsum(max(found.values(), default=self._rarest()) ** 2 for found in wanted.values())) or 1.0
        scores: dict[int, float] = defaultdict(float)
        for found in wanted.values():
            best: dict[int, float] = defaultdict(float)
            for word, weight in found.items():
                for place in self._words[word]:
                    best[place] = max(best[place], weight * self._weights[word])
            for place, score in best.items():
                scores[place] += score
        return {place: min(1.0, score / (length * self._lengths[place])) for place, score in scores.items()}

    def by_digest(self, distances: Mapping[bytes, float]) -> dict[int, float]:
        """Likeness of texts by their digests, where there are such texts here."""
        if self._by_digest is None:
            self._by_digest = {digest_of(text): place for place, text in enumerate(self.texts)}
        return {place: 1.0 - apart for name, apart in distances.items() if (place := self._by_digest.get(name)) is not None}

    def page(self, likeness: Mapping[int, float], *, limit: int, after: Position = START, but: str = "") -> tuple[Near, ...]:
        """The next `limit` rows by (1 − likeness, key)."""
        found: list[Near] = []
        ordered = sorted((round(1.0 - like, 6), place) for place, like in likeness.items())
        for apart, group in groupby(ordered, key=lambda each: each[0]):
            if apart < after[0]:
                continue
            keys = sorted(key for _, place in group for key in self.keys[place] if (apart, key) > after and key != but)
            found += [Near(key, apart) for key in keys[: limit - len(found)]]
            if len(found) >= limit:
                break
        return tuple(found)

    def _is_common(self, found: Mapping[str, float]) -> bool:
        """Whether a word tells so little that it is only looked for when there is no other."""
        return any(len(self._words[word]) > len(self.texts) * COMMON for word in found)

    def _like(self, word: str) -> dict[str, float]:
        """Words of the texts that a word means, with their weights."""
        known = self._meant.get(word)
        if known is None:
            if len(self._meant) >= MEANT_MAX:
                self._meant.clear()
            known = self._meant[word] = self._looked_up(word)
        return known

    def _looked_up(self, word: str) -> dict[str, float]:
        found = {word: self._weights[word]} if word in self._weights else {}
        if len(word) >= 3:
            stem = word.removesuffix("s")
            found |= {
                other: weight * PARTIAL for other, weight in self._weights.items() if other not in found and other.startswith((word, stem))
            }
        return found

    def _rarest(self) -> float:
        return math.log(1 + len(self.texts))


def words_of(text: str) -> list[str]:
    """The words of a text, without regard to case."""
    return _WORD.findall(text.casefold())


class Shown(msgspec.Struct, frozen=True):
    """Of what and by what: a panel's dataset and what describes its rows."""

    dataset: str
    similar: Similar
    key: str
    """The field that is the dataset's key."""

    @classmethod
    def of(cls, app: App, query: RowsQuery, similar: Similar) -> Shown:
        """ConfigurationError when the dataset has no key of one field; `seawall check` tells that first."""
        key = key_field(app.semantics.datasets[query.dataset])
        if key is None:
            raise ConfigurationError(f"{query.dataset} has no key of one whole number or text")
        return cls(query.dataset, similar, key.name)


class Descriptions:
    """Texts by policy, read once a generation."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, asyncio.Task[Described]] = OrderedDict()

    async def of(self, questions: QueryService, shown: Shown, policy: EffectivePolicy, *, deadline: Deadline) -> Described:
        """What describes the rows that may be seen under `policy`. What a query raises; DeadlineExceeded while it is read for others."""
        query = texts_query(shown)
        moment, compiled = questions.compile(query, policy)
        name = digest([shown, policy.fingerprint(compiled.datasets), moment.watermark])
        task = self._known.get(name)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._known[name] = asyncio.create_task(described(questions, query, policy, shown))
            while len(self._known) > KEPT_MAX:
                self._known.popitem(last=False)
        self._known.move_to_end(name)
        try:
            async with asyncio.timeout(deadline.remaining()):
                return await asyncio.shield(task)
        except TimeoutError:
            deadline.check()
            raise


def texts_query(shown: Shown) -> RowsQuery:
    """Every row's key and what describes it."""
    return RowsQuery(shown.dataset, (shown.key, *shown.similar.text), (Order(shown.key),), limit=ROWS_MAX)


async def described(questions: QueryService, query: RowsQuery, policy: EffectivePolicy, shown: Shown) -> Described:
    """What describes the rows under `policy`, read now. What a query raises."""
    opened = await questions.open(query, policy, deadline=Deadline.after(READ_SECONDS_MAX))
    try:
        batches = [batch async for batch in opened.batches]
    finally:
        await opened.close()
    return await asyncio.to_thread(grouped, pa.Table.from_batches(batches), shown)


def grouped(table: pa.Table, shown: Shown) -> Described:
    """Rows of key and texts, by text. A row that nothing describes is left out."""
    groups = table.group_by(list(shown.similar.text), use_threads=False).aggregate([(shown.key, "list")])
    columns = [groups.column(name).to_pylist() for name in shown.similar.text]
    by_text: dict[str, list[str]] = defaultdict(list)
    for parts, keys in zip(zip(*columns, strict=True), groups.column(f"{shown.key}_list").to_pylist(), strict=True):
        if words := SEPARATOR.join([part for part in parts if part]):
            by_text[words] += [key_of(key) for key in keys or () if key is not None]
    return Described(list(by_text), [sorted(keys) for keys in by_text.values()])


def text_of(row: Mapping[str, object], shown: Shown) -> str:
    """What describes one row."""
    return SEPARATOR.join(str(value) for name in shown.similar.text if (value := row.get(name)))
