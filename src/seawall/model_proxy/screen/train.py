"""Train the classifier, measure it and write both down: `python -m seawall.model_proxy.screen.train [docs/reference]`.

The same corpus gives the same weights: an L2-regularised logistic regression by Newton's method. How much it is regularised, and its
threshold, are chosen by five-fold cross-validation on the training texts alone: the most recall with at most `ALARMS_MAX` false alarms.
The figures in docs/reference/screening.md are of the held-out texts.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from seawall.model_proxy.minilm import VERSION, MiniLM
from seawall.model_proxy.screen import classifier
from seawall.model_proxy.screen.classifier import Weights
from seawall.model_proxy.screen.corpus import Example, examples
from seawall.model_proxy.screen.evaluate import Score, scores
from seawall.model_proxy.screen.rules import SENTENCES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

REGULARISATIONS = (3.0, 1.0, 0.3, 0.1, 0.03)
"""Of equally good ones the strongest, which comes first."""
FOLDS = 5
STEPS = 25
ALARMS_MAX = 0.05
"""Of the benign training texts, when they are judged by weights that have not seen them."""
PAGE = "screening.md"
_REGION = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main(arguments: list[str]) -> None:
    """Write the weights, and the page when a directory is given."""
    model = MiniLM()
    weights = train(examples(), model)
    classifier.WEIGHTS.write_bytes(msgspec.json.format(msgspec.json.encode(weights), indent=1) + b"\n")
    found = scores([one for one in examples() if one.held_out], classifier.load(), model)
    for directory in arguments:
        page = Path(directory) / PAGE
        page.write_text(refreshed(page.read_text(encoding="utf-8"), found), encoding="utf-8")
    sys.stdout.write(figures(found))


class _Parts(msgspec.Struct, frozen=True):
    """The training texts as they are judged: stretch by stretch."""

    rows: Floats
    of: NDArray[np.int64]
    """The text each row is of."""
    labels: Floats
    """Of texts."""

    def told(self, among: NDArray[np.bool_], solution: Floats) -> Floats:
        """Of each text the most suspicious stretch."""
        told = np.full(len(self.labels), -np.inf)
        inside = among[self.of]
        np.maximum.at(told, self.of[inside], _applied(self.rows[inside], solution))
        return told


def train(texts: list[Example], model: MiniLM) -> Weights:
    """Weights from the texts that are not held out."""
    seen = [one for one in texts if not one.held_out]
    parts = _parts(seen, model)
    folds = np.array([index % FOLDS for index in range(len(seen))])
    chosen = max((_judged(parts, folds, strength) for strength in REGULARISATIONS), key=lambda one: one[0])
    solution = _fitted(parts.rows, parts.labels[parts.of], chosen[2])
    rounded = tuple(round(float(weight), 4) for weight in solution[:-1])
    return Weights(VERSION, round(chosen[1], 4), round(float(solution[-1]), 4), rounded)


def _parts(texts: list[Example], model: MiniLM) -> _Parts:
    stretches = [classifier.stretches(one.text) for one in texts]
    of = np.array([at for at, parts in enumerate(stretches) for _ in parts], dtype=np.int64)
    rows = model.embed([part for parts in stretches for part in parts]).astype(np.float64)
    return _Parts(rows, of, np.array([one.injection for one in texts], dtype=np.float64))


def _judged(parts: _Parts, folds: NDArray[np.int64], strength: float) -> tuple[float, float, float]:
    """Recall with as few false alarms as wanted, the threshold that gives it, and the strength of the regularisation."""
    told = np.zeros(len(parts.labels))
    for fold in range(FOLDS):
        inside = (folds != fold)[parts.of]
        solution = _fitted(parts.rows[inside], parts.labels[parts.of][inside], strength)
        told[folds == fold] = parts.told(folds == fold, solution)[folds == fold]
    threshold = float(np.quantile(told[parts.labels == 0], 1 - ALARMS_MAX))
    recall = float((told[parts.labels == 1] >= threshold).mean())
    sys.stdout.write(f"regularisation {strength}: recall {recall:.1%} at {ALARMS_MAX:.0%} false alarms, cross-validated\n")
    return recall, threshold, strength


def _fitted(rows: Floats, labels: Floats, strength: float) -> Floats:
    """Newton's method; the bias is not regularised."""
    inputs = np.hstack([rows, np.ones((len(rows), 1))])
    penalty = np.full(inputs.shape[1], strength)
    penalty[-1] = 1e-6
    solution: Floats = np.zeros(inputs.shape[1])
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-inputs @ solution))
        gradient = inputs.T @ (chance - labels) + penalty * solution
        curvature = (inputs * (chance * (1 - chance))[:, None]).T @ inputs + np.diag(penalty)
        solution = solution - np.linalg.solve(curvature, gradient)
    return solution


def _applied(rows: Floats, solution: Floats) -> Floats:
    answer: Floats = rows @ solution[:-1] + solution[-1]
    return answer


def refreshed(page: str, found: list[Score]) -> str:
    """The page with its generated parts made anew."""
    parts = {"figures": figures(found), "rules": _rules()}
    return _REGION.sub(lambda match: f"{match[1]}{parts[match[2]]}{match[3]}", page)


def figures(found: list[Score]) -> str:
    """A table of precision, recall and false alarms."""
    lines = ["| by | precision | recall | false alarms |", "|---|---|---|---|"]
    for one in found:
        cells = (
            _cell(one.precision, one.hits, one.hits + one.false_alarms),
            _cell(one.recall, one.hits, one.injections),
            _cell(one.alarms, one.false_alarms, one.benign),
        )
        lines.append(f"| {one.name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(values: tuple[float, float, float], part: int, whole: int) -> str:
    middle, low, high = (f"{value:.0%}".replace("%", " %") for value in values)
    return f"{middle} ({low.removesuffix(' %')}–{high}; {part} of {whole})"


def _rules() -> str:
    return "| rule | what it finds |\n|---|---|\n" + "".join(f"| `{name}` | {sentence} |\n" for name, sentence in SENTENCES.items())


if __name__ == "__main__":
    main(sys.argv[1:])
