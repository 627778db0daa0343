"""What a large model is told of a text: the names nearest to its words, and examples of questions like it."""

from __future__ import annotations

from collections.abc import Sequence

from seawall.app.model import App
from seawall.ask.attempt import Attempt
from seawall.ask.large import EXAMPLES, Asked, Example, nearest_words, texts_of, words_of
from seawall.ask.large_draft import Words
from seawall.core.errors import SeawallError


class Prompts:
    """Makes them for one app."""

    def __init__(self, app: App, examples: Sequence[Example]) -> None:
        self._app = app
        self._examples = tuple(examples)

    async def of(self, attempt: Attempt) -> Asked:
        """What the large tier is told."""
        asking = attempt.asking
        return Asked(
            text=asking.text,
            app=self._app,
            policy=asking.policy,
            as_of=attempt.as_of,
            examples=await self._nearest(attempt),
            words=await self._words(attempt),
            before=asking.before,
            token=asking.token,
        )

    async def _words(self, attempt: Attempt) -> Words:
        """The names of examples and of what the text says, then those whose words are nearest in meaning."""
        known = words_of(self._app, attempt.asking.policy)
        said = attempt.said
        wanted = [name for one in said.metrics for name in sorted(one)] + [ref for ref in said.dimensions if ref in known.fields]
        wanted += sorted({value.partition("=")[0] for one in said.values for value in one})
        texts = texts_of(self._app, known)
        if attempt.near is not None:
            try:
                found = await attempt.near.nearest([*said.unknown, attempt.asking.text], [text for _, text in texts])
            except SeawallError:
                found = []
            wanted += [texts[place][0] for line in found for place, _ in line]
        return nearest_words(known, wanted)

    async def _nearest(self, attempt: Attempt) -> tuple[Example, ...]:
        """Golden examples nearest in meaning; the first ones when nothing can be embedded now."""
        if attempt.near is None or not self._examples:
            return self._examples[:EXAMPLES]
        try:
            found = await attempt.near.nearest([attempt.asking.text], [one.question for one in self._examples])
        except SeawallError:
            return self._examples[:EXAMPLES]
        return tuple(self._examples[place] for place, _ in found[0][:EXAMPLES])
