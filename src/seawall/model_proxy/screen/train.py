"""Train the classifier, measure it and write both down: `python -m seawall.model_proxy.screen.train [docs/reference]`.

The same corpus gives the same weights: an L2-regularised logistic regression by Newton's method, its threshold chosen by five-fold
cross-validation on the training texts alone. The figures in docs/reference/screening.md are of the held-out texts.
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

REGULARISATION = 0.1
FOLDS = 5
STEPS = 25
BETA2 = 0.25
"""Below 1 precision counts for more than recall: a false alarm is a user's question refused."""
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


def train(texts: list[Example], model: MiniLM) -> Weights:
    """Weights from the texts that are not held out."""
    seen = [one for one in texts if not one.held_out]
    rows = model.embed([one.text for one in seen]).astype(np.float64)
    labels = np.array([one.injection for one in seen], dtype=np.float64)
    folds = np.array([index % FOLDS for index in range(len(seen))])
    told = np.zeros(len(seen))
    for fold in range(FOLDS):
        inside, outside = folds != fold, folds == fold
        told[outside] = _applied(rows[outside], _fitted(rows[inside], labels[inside]))
    solution = _fitted(rows, labels)
    rounded = tuple(round(float(weight), 4) for weight in solution[:-1])
    return Weights(VERSION, round(_threshold(told, labels), 4), round(float(solution[-1]), 4), rounded)


def _fitted(rows: Floats, labels: Floats) -> Floats:
    """Newton's method; the bias is not regularised."""
    inputs = np.hstack([rows, np.ones((len(rows), 1))])
    penalty = np.full(inputs.shape[1], REGULARISATION)
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


def _threshold(told: Floats, labels: Floats) -> float:
    """The logit with the best F-score, between two that were told."""

    def score(threshold: float) -> float:
        said = told >= threshold
        hits = float((said * labels).sum())
        return (1 + BETA2) * hits / float(BETA2 * labels.sum() + said.sum())

    ordered = np.sort(told)
    between: list[float] = ((ordered[:-1] + ordered[1:]) / 2).tolist()
    return max(between, key=score)


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
