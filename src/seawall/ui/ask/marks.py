"""Which words of a text are marked on the page, and as what."""

from __future__ import annotations

from seawall.ask.language import LANGUAGES, language
from seawall.ask.reading import Reading
from seawall.ask.spans import Span
from seawall.ask.tokens import fold

UNKNOWN = "unknown"


def marks_of(reading: Reading) -> tuple[Span, ...]:
    """The spans of a reading. Unknown are only the words that its refusal names, and none where there is a question.

    Others have a meaning with what stands beside them, such as the verb in "how much wine did we sell": they are not marked.
    """
    spans = reading.spans
    named = [one for one in spans if one.kind == UNKNOWN and reading.question is None and _is_named(one, reading.why)]
    if reading.question is None and not (named and reading.refusal == "unknown_words"):
        return spans
    return tuple(one for one in spans if one.kind != UNKNOWN or one in named)


def _is_named(one: Span, why: str) -> bool:
    return any(language(name).quoted.format(text=one.name) in fold(why) for name in LANGUAGES)
