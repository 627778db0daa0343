"""How well injections are found on texts that training did not see: rules alone, classifier alone, both."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from seawall.model_proxy.minilm import MiniLM
from seawall.model_proxy.screen.classifier import Weights, logits, stretches
from seawall.model_proxy.screen.corpus import Example
from seawall.model_proxy.screen.rules import injections

_Z95 = 1.959964


class Score(msgspec.Struct, frozen=True):
    """Counts of one way of finding."""

    name: str
    hits: int
    injections: int
    false_alarms: int
    benign: int

    @property
    def recall(self) -> tuple[float, float, float]:
        """Of the injections, the share found, with its 95 % interval."""
        return share(self.hits, self.injections)

    @property
    def precision(self) -> tuple[float, float, float]:
        """Of what was reported, the share that were injections."""
        return share(self.hits, self.hits + self.false_alarms)

    @property
    def alarms(self) -> tuple[float, float, float]:
        """Of the benign texts, the share reported."""
        return share(self.false_alarms, self.benign)


def share(part: int, whole: int) -> tuple[float, float, float]:
    """A share with Wilson's interval (E. B. Wilson 1927)."""
    if whole == 0:
        return 0.0, 0.0, 1.0
    p, z2 = part / whole, _Z95 * _Z95
    middle = (p + z2 / (2 * whole)) / (1 + z2 / whole)
    half = _Z95 * math.sqrt(p * (1 - p) / whole + z2 / (4 * whole * whole)) / (1 + z2 / whole)
    return p, max(0.0, middle - half), min(1.0, middle + half)


def by_rules(texts: Sequence[Example]) -> list[bool]:
    """What the rules say of each."""
    return [bool(injections(one.text, data=one.from_data)) for one in texts]


def by_classifier(texts: Sequence[Example], weights: Weights, model: MiniLM) -> list[bool]:
    """What the classifier says of each."""
    return [bool((logits(weights, model.embed(stretches(one.text))) >= weights.threshold).any()) for one in texts]


def scores(texts: Sequence[Example], weights: Weights, model: MiniLM) -> list[Score]:
    """The three ways."""
    rules, classifier = by_rules(texts), by_classifier(texts, weights, model)
    both = [one or other for one, other in zip(rules, classifier, strict=True)]
    return [_score(name, texts, said) for name, said in (("rules", rules), ("classifier", classifier), ("both", both))]


def _score(name: str, texts: Sequence[Example], said: Sequence[bool]) -> Score:
    pairs = list(zip(texts, said, strict=True))
    return Score(
        name,
        hits=sum(yes for one, yes in pairs if one.injection),
        injections=sum(one.injection for one in texts),
        false_alarms=sum(yes for one, yes in pairs if not one.injection),
        benign=sum(not one.injection for one in texts),
    )
