"""The groups of a cut without stop words, numbers joined with what they measure: what the grammar reads.

Comparisons are found here, since they are local: a field, a comparing word and a number, in either order.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from seawall.app.model import Operator
from seawall.ask.draft import Condition
from seawall.ask.language import Language
from seawall.ask.lexicon import Lexicon, Term
from seawall.ask.matching import Edge
from seawall.ask.tokens import Token

_OPERATORS: dict[str, Operator] = {"gt": "gt", "lt": "lt", "ge": "ge", "le": "le", "eq": "eq"}
_PERCENT = frozenset({"%", "percent", "pct", "prozent"})
COMPARING = frozenset({*_OPERATORS, "between"})


@dataclass(slots=True)
class Node:
    """A group of words that says something."""

    edge: Edge
    before: tuple[str, ...]
    """The stop words and marks that stand just before it."""
    said: str
    condition: Condition | None = None
    is_percent: bool = False
    doing: Term | None = None
    """What a verb is the doing of: `delayed` of a delay."""

    @property
    def kind(self) -> str:
        """What kind of group, or `condition`."""
        return "condition" if self.condition else self.edge.kind

    @property
    def term(self) -> Term:
        """What its words may mean."""
        return self.edge.term

    def has(self, *tags: str) -> bool:
        """Whether it is a grammar word of one of these kinds."""
        return self.edge.kind == "tag" and any(tag in self.edge.tags for tag in tags)


def nodes_of(edges: tuple[Edge, ...], tokens: tuple[Token, ...], language: Language, lexicon: Lexicon) -> tuple[list[Node], list[str]]:
    """The nodes, and what is compared with a number but cannot be."""
    made: list[Node] = []
    before: list[str] = []
    for edge in edges:
        said = " ".join(token.norm for token in tokens[edge.start : edge.end])
        if edge.kind == "stop":
            before += [said] if tokens[edge.start].kind != "mark" else []
        else:
            noun = language.nouns.get(said) if edge.kind == "unknown" else None
            doing = lexicon.look_up((noun,), language) if noun else None
            percent = edge.kind == "number" and edge.end < len(tokens) and tokens[edge.end].norm in _PERCENT
            made.append(Node(_of_compound(edge, tokens), tuple(before), said, is_percent=percent, doing=doing))
            before = []
    return _compared(made, language, lexicon)


def _of_compound(edge: Edge, tokens: tuple[Token, ...]) -> Edge:
    """A grain that is the first part of a word is an adverb: `Wochenumsatz` is weekly."""
    is_part = edge.end < len(tokens) and tokens[edge.start].start == tokens[edge.end].start
    return msgspec.structs.replace(edge, kind="adverb") if edge.kind == "grain" and is_part else edge


def _compared(nodes: list[Node], language: Language, lexicon: Lexicon) -> tuple[list[Node], list[str]]:
    out: list[Node] = []
    unclear: list[str] = []
    place = 0
    while place < len(nodes):
        found = _comparison(nodes, place, language) or _numbered(nodes, place, lexicon)
        if found is None:
            out.append(nodes[place])
            place += 1
            continue
        condition, end = found
        if condition is None:
            unclear.append(" ".join(node.said for node in nodes[place:end]))
        else:
            out.append(Node(nodes[place].edge, nodes[place].before, condition.said, condition))
        place = end
    return out, unclear


def _comparison(nodes: list[Node], place: int, language: Language) -> tuple[Condition | None, int] | None:
    """`delay over 60`, `over 60 minutes of delay`, `price between 2 and 5`: the condition and where it ends."""
    if found := _or_more(nodes, place):
        return found
    term = nodes[place] if nodes[place].kind == "term" or nodes[place].doing else None
    if term and not _amounts(term) and _names_after(nodes, place + 1):
        return None
    start = place + 1 if term else place
    if term is not None and term.doing and start + 1 < len(nodes) and nodes[start].has("by"):
        start += 1  # "delayed by more than 30 minutes"
    if start >= len(nodes) or not nodes[start].has(*COMPARING):
        return None
    read = _operand(nodes, start)
    if read is None:
        return None
    op, numbers, end = read
    if nodes[end - 1].is_percent or (term is not None and term.doing and end < len(nodes) and nodes[end].kind == "term"):
        return None, end
    if term is not None and end < len(nodes) and nodes[end].said in language.measures:
        end += 1
    if term is None and end < len(nodes) and _amounts(nodes[end]):
        term, end = nodes[end], end + 1
    if term is None:
        return None, end
    said = " ".join(node.said for node in nodes[place:end])
    if not _amounts(term) or (term.term.refs("metric") and not _has_metric(nodes, term)):
        return None, end
    return Condition(op, refs=_amounts(term), number=numbers, said=said), end


def _or_more(nodes: list[Node], place: int) -> tuple[Condition | None, int] | None:
    """`3 or more stops`, `3+ stops`."""
    if nodes[place].kind != "number":
        return None
    end = place + 1
    if end < len(nodes) and nodes[end].has("or_more", "or_less"):
        op: Operator = "ge" if nodes[end].has("or_more") else "le"
        end += 1
    elif nodes[place].said.endswith("+"):
        op = "ge"
    else:
        return None
    if end >= len(nodes) or not _amounts(nodes[end]):
        return None
    return Condition(op, refs=_amounts(nodes[end]), number=(nodes[place].edge.number,), said=nodes[end].said), end + 1


def _names_after(nodes: list[Node], place: int) -> bool:
    """Whether what is compared is named after the number: `at least 50 seats`."""
    read = _operand(nodes, place) if place < len(nodes) and nodes[place].has(*COMPARING) else None
    return read is not None and read[2] < len(nodes) and bool(_amounts(nodes[read[2]]))


def _operand(nodes: list[Node], place: int) -> tuple[Operator, tuple[float, ...], int] | None:
    """A comparing word and its numbers, and where they end."""
    numbers = [node.edge.number if node.kind == "number" else None for node in nodes[place + 1 : place + 4]]
    if not numbers or numbers[0] is None:
        return None
    if nodes[place].has("between"):
        if len(numbers) == 3 and numbers[2] is not None and nodes[place + 2].has("and", "to"):
            return "ge", (numbers[0], numbers[2]), place + 4
        return None
    op = next(_OPERATORS[tag] for tag in nodes[place].edge.tags if tag in _OPERATORS)
    return op, (numbers[0],), place + 2


def _numbered(nodes: list[Node], place: int, lexicon: Lexicon) -> tuple[Condition, int] | None:
    """`store 367`, `stores 3 and 4`, `household size 2`; `60 minutes or more` of something named before."""
    node = nodes[place]
    term = node.doing or node.term
    if (node.kind != "term" and not node.doing) or place + 1 >= len(nodes) or nodes[place + 1].kind != "number" or nodes[place + 1].before:
        return None
    if place + 2 < len(nodes) and nodes[place + 2].has("or_more", "or_less") and (amounts := _amounts(node)):
        op: Operator = "ge" if nodes[place + 2].has("or_more") else "le"
        return Condition(op, refs=amounts, number=(nodes[place + 1].edge.number,), said=node.said), place + 3
    numbers, end = [nodes[place + 1].edge.number], place + 2
    while end + 1 < len(nodes) and nodes[end].has("and", "or", "comma") and nodes[end + 1].kind == "number":
        numbers.append(nodes[end + 1].edge.number)
        end += 2
    said = " ".join(each.said for each in nodes[place:end])
    if refs := term.refs("number"):
        return Condition("in", refs=refs, number=tuple(numbers), said=said), end
    texts = {nodes[at].said for at in range(place + 1, end) if nodes[at].kind == "number"}
    index = lexicon.index[""].values
    values = tuple(value for text in sorted(texts) for value in index.get(text, ()) if value[0] in term.refs("field"))
    return (Condition("in", values=values, refs=term.refs("field"), said=said), end) if values else None


def _amounts(node: Node) -> tuple[str, ...]:
    """The numbers that a word names, or that a verb is the doing of."""
    return (node.doing or node.term).refs("amount")


def _has_metric(nodes: list[Node], but: Node) -> bool:
    return any(node is not but and node.kind == "term" and node.term.refs("metric") for node in nodes)
