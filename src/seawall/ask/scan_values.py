"""Values of fields where they stand: beside the field that holds them, after a preposition that is a field's name, joined or left out."""

from __future__ import annotations

from seawall.app.model import Operator
from seawall.ask.draft import Condition, Draft, Part
from seawall.ask.language import Language
from seawall.ask.lexicon import EXACT, Lexicon, Term, Value
from seawall.ask.nodes import Node
from seawall.ask.place import Place

_ONE_FORM = ("el", "er", "en")
"""How German nouns end that are the same for one and for many."""


class ValueReader:
    """Reads values into a draft, and says what fields a word means."""

    def __init__(self, at: Place, draft: Draft, language: Language, lexicon: Lexicon) -> None:
        self.at = at
        self.draft = draft
        self.language = language
        self.lexicon = lexicon

    def fields(self, term: Term) -> tuple[str, ...]:
        """The fields that a word means, those of a dataset's name last."""
        titles = (self.lexicon.titles.get(name, "") for name in term.refs("dataset"))
        return tuple(dict.fromkeys(ref for ref in (*term.refs("field"), *titles) if ref))

    def is_plural(self, node: Node) -> bool:
        """By the word's form; German words that have one form for both, by the verb."""
        said = {word for each in self.at.nodes for text in each.before for word in text.split()}
        word = node.said.split()[-1]
        if node.kind == "grain":
            return word not in self.language.single_grains
        if self.language.name == "en":
            return word != self.language.stem(word)
        has_label = any(one.kind == "field" and one.weight == EXACT for one in node.term.meanings)
        if has_label and self.language.singular_verbs & said:
            return False
        if has_label and word.endswith(_ONE_FORM):
            return True
        return node.term.how == "stem" or (bool(node.term.refs("dataset")) and not has_label)

    def _texts(self, term: Term) -> tuple[str, ...]:
        """The fields that a word means, but for numbers: "no stops" is a number of stops."""
        return tuple(ref for ref in self.fields(term) if ref not in term.refs("amount"))

    def _part(self, node: Node) -> Part:
        return Part(self.fields(node.term), said=node.said, is_plural=self.is_plural(node))

    def _is_named_value(self, node: Node) -> bool:
        """A value beside the field that holds it: `department GROCERY`, `the North region`. Takes both words."""
        following, steps = self.at.following(), 1
        if following is not None and following.has("eq", "not") and self.at.index + 2 < len(self.at.nodes) and not self.at.is_not:
            return self._is_compared_value(node, following, self.at.nodes[self.at.index + 2])
        if following is not None and self._says_sort(node, following) and self.at.index + 2 < len(self.at.nodes):
            following, steps = self.at.nodes[self.at.index + 2], 2
        if following is None or following.kind != "term" or not self._is_beside(node, following):
            return False
        groups = self.at.mode in ("by", "which", "rank")
        if not groups and (values := _held(following.term, self.fields(node.term))):
            self._value(following, values)
        elif (values := _held(node.term, self.fields(following.term))) and not (groups and self.fields(node.term)):
            self._value(node, values)
        else:
            return False
        self.at.index += steps
        return True

    def _is_compared_value(self, node: Node, sign: Node, other: Node) -> bool:
        """`borough = Docks`, `the kind is not electric`: a field, a sign and a value of the field."""
        values = _held(other.term, self.fields(node.term)) if other.kind == "term" else ()
        if not values or self.at.mode in ("by", "which", "rank"):
            return False
        if sign.has("not"):
            self.at.begin_not("", lacks=False)
        self._value(other, values)
        self.at.open_not = False
        self.at.index += 2
        return True

    def _value(self, node: Node, values: tuple[Value, ...] = ()) -> None:
        found = values or self._by_preposition(node)
        if found is None:
            self.draft.unclear.append(node.said)
            return
        if not values and self._may_be_verb(node):
            self.draft.unknown.append(node.said)
            return
        op: Operator = "not_in" if self.at.is_not else "in"
        refs = tuple(dict.fromkeys(ref for ref, _ in values))
        self.draft.conditions.append(Condition(op, found, refs, group=self.at.group, is_joined=self.at.joined, said=node.said))

    def subtracts(self) -> bool:
        """`west minus south`: a value of the same field stands on both sides, and no query says a difference."""
        last, following = self.at.last, self.at.following()
        first, second = ({ref for ref, _ in one.term.values} if one is not None else set() for one in (last, following))
        return bool(first & second)

    def _may_be_verb(self, node: Node) -> bool:
        """`brake red ones too`: one word, not quite a value, right before another and after no article, preposition or joining word."""
        following = self.at.following()
        stands_alone = not node.before and not self.at.joined and " " not in node.said
        is_near = node.term.how == "stem" and not node.term.meanings
        beside = following is not None and following.kind == "term" and bool(following.term.values) and not following.before
        return is_near and stands_alone and beside

    def _goes_on_with_values(self) -> bool:
        return self.at.joined and self.at.last is not None and self.at.last.kind == "term" and bool(self.at.last.term.values)

    def _is_beside(self, node: Node, following: Node) -> bool:
        """Whether nothing stands between, or an article after a preposition."""
        if following.before and self.language.copulas.issuperset(following.before):
            return True
        return not following.before or (node.said in self.language.words and self.language.articles.issuperset(following.before))

    def _is_modifier(self, node: Node) -> bool:
        """`bike colour`: the field is the second word's, of the dataset that the first one names."""
        following = self.at.following()
        if following is None or following.kind != "term" or following.before:
            return False
        homes = {*node.term.refs("dataset"), *(self.lexicon.fields[ref].dataset for ref in node.term.refs("number"))}
        refs = following.term.refs("field")
        if _held(following.term, self.fields(node.term)):
            return False
        return bool(homes) and not following.term.refs("metric") and any(self.lexicon.fields[ref].dataset in homes for ref in refs)

    def _by_preposition(self, node: Node) -> tuple[Value, ...] | None:
        """The values that a preposition leaves, where it is a field's name: `to HAR` is no start. None when it leaves none."""
        words = node.before[-1].split()[-1:] if node.before else []
        if self.at.last is not None and (not words or words[0] in self.language.articles) and self.at.last.edge.kind == "tag":
            words = [self.at.last.said]
        named = self.lexicon.look_up(words, self.language) if words else None
        refs = named.refs("field") if named else ()
        if not refs:
            return node.term.values
        if kept := _held(node.term, refs):
            return kept
        columns = {ref.partition(".")[2] for ref in refs}
        steps = [step for step in self.lexicon.app.semantics.relationships if set(step.from_columns) & columns]
        leads = {step.to for step in steps if step.preferred or len([one for one in steps if one.to == step.to]) == 1}
        return (
            tuple(
                value for value in node.term.values if self.lexicon.fields[value[0]].dataset in leads and self._is_path(value[0], columns)
            )
            or None
        )

    def _is_path(self, ref: str, columns: set[str]) -> bool:
        """Whether the way to a field goes over one of these columns, and no other way is as short."""
        to = self.lexicon.fields[ref].dataset
        ways = [step for step in self.lexicon.app.semantics.relationships if step.to == to]
        chosen = [step for step in ways if step.preferred] or ways
        return any(set(step.from_columns) & columns for step in chosen)

    def _says_sort(self, node: Node, following: Node) -> bool:
        is_end = following.kind == "term" and not following.before and self._is_end_of(node.term, following.term)
        return is_end or self._is_classifier(following)

    def _is_end_of(self, term: Term, noun: Term) -> bool:
        """`start station`: what a field leads to is named beside it."""
        datasets, fields = set(noun.refs("dataset")), set(term.refs("field"))
        steps = self.lexicon.app.semantics.relationships
        return any(step.to in datasets and f"{step.from_}.{column}" in fields for step in steps for column in step.from_columns[:1])

    def _is_classifier(self, node: Node) -> bool:
        return not node.before and self.language.stem(node.said) in self.language.classifiers


def _held(term: Term, refs: tuple[str, ...]) -> tuple[Value, ...]:
    return tuple(value for value in term.values if value[0] in refs)
