"""What is said in passing: talk before the sentence that asks, and names that would be left unread.

One value in talk is taken for a condition; of several of different fields nobody can say which are meant, so they make a text unclear.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from seawall.ask.language import Language
from seawall.ask.lexicon import Lexicon
from seawall.ask.matching import Edge
from seawall.ask.nodes import Node
from seawall.ask.tokens import Token

_END = re.compile(r"[.!?]\s+(?=[^\W\d_a-z])")


def asides(text: str, tokens: Sequence[Token], nodes: Sequence[Node], language: Language) -> list[str]:
    """The values in sentences of talk that cannot all be taken for conditions; none where there is one sentence."""
    ends = [match.end() for match in _END.finditer(text)]
    if not ends:
        return []
    sentences: dict[int, list[Node]] = {}
    for node in nodes:
        start = tokens[node.edge.start].start
        sentences.setdefault(sum(end <= start for end in ends), []).append(node)
    if not any(_asks(node) for found in sentences.values() for node in found):
        return []
    talk = [found for found in sentences.values() if not any(_asks(node) for node in found) and _tells(found, language)]
    return [node.said for found in talk if _of_several_fields(found) for node in found if node.term.values]


def passed_over(edges: Sequence[Edge], tokens: Sequence[Token], language: Language, lexicon: Lexicon) -> list[str]:
    """Groups of words that a cut passes over although they are the name of a metric: whoever says one means it."""
    stops = [[token.norm for token in tokens[edge.start : edge.end]] for edge in edges if edge.kind == "stop"]
    found = [(words, lexicon.look_up(words, language)) for words in stops]
    return [" ".join(words) for words, term in found if term is not None and term.refs("metric")]


def _asks(node: Node) -> bool:
    """Whether it is something to measure, to group by, or a time."""
    return node.kind in ("time", "grain", "adverb", "condition") or (bool(node.term.meanings) and not node.term.values)


def _tells(nodes: Sequence[Node], language: Language) -> bool:
    """Whether there are words for who does something, besides prepositions and articles."""
    small = language.prepositions | language.articles | language.genitives
    return any(word not in small for node in nodes for phrase in node.before for word in phrase.split())


def _of_several_fields(nodes: Sequence[Node]) -> bool:
    held = [{ref for ref, _ in node.term.values} for node in nodes if node.term.values]
    return len(held) > 1 and not set.intersection(*held)
