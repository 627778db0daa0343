"""Whether a panel can have the headline and the comparison it asks for, so that no sentence is silently left out, or false."""

from __future__ import annotations

from sqlglot import exp

from seawall.app.expressions import parse_metric
from seawall.app.model import Chart, MetricQuery
from seawall.app.queries import Asked
from seawall.app.vocabulary import Vocabulary
from seawall.app.yaml_tree import Node


def check_headline(panel: Node, chart: Chart, asked: Asked, words: Vocabulary) -> None:
    """Report a `finding` or a `compare` that the panel's rows could not bear."""
    if not isinstance(asked.query, MetricQuery) or not asked.complete or not asked.query.metrics:
        return
    finding, compare = panel.get("finding"), panel.get("compare")
    over_time = any(dimension.grain for dimension in asked.query.by)
    if finding is not None:
        _check_finding(finding, asked.query, words, over_time=over_time)
    is_told = any(layer.mark == "number" for layer in chart.layers) or (panel.word("finding") == "largest_mover" and not over_time)
    if compare is not None and not is_told and not _is_mark_broken(panel):
        detail, expected = "Nothing here shows what it is compared with", "`mark: number`, or `finding: largest_mover` without a grain"
        words.report.add(compare.key_mark(), "bad_finding", detail, where=compare.where, expected=expected, fix="Remove `compare`")


def _is_mark_broken(panel: Node) -> bool:
    """Whether what the chart draws is not known: that was reported."""
    chart = panel.get("chart")
    parts = [chart, *chart.listed("layer")] if chart is not None else []
    return any({"mark", "layer"} & set(part.broken) for part in parts)


def _check_finding(node: Node, query: MetricQuery, words: Vocabulary, *, over_time: bool) -> None:
    if node.text() == "latest_change" and not over_time:
        fix = "Add a grain such as `week` to `by`"
        words.report.add(node, "needs_time", "`latest_change` compares periods, but `by` has no grain", expected="a grain in `by`", fix=fix)
    if node.text() != "top_share":
        return
    name = query.metrics[0]
    if not any(dimension.field and not dimension.grain for dimension in query.by):
        detail, fix = "`top_share` is about the parts of a whole, but `by` has no field", "Add a field to `by`, or write `finding: peak`"
        words.report.add(node, "bad_finding", detail, expected="a field in `by`", fix=fix)
    elif (expression := words.semantics.metrics[name].expression) and not is_additive(parse_metric(expression)):
        detail = f"The parts of `{name}` do not add up to a whole, so none has a share"
        fix = "Write `finding: peak`, or choose a metric that is a sum or a count"
        words.report.add(node, "bad_finding", detail, expected="a metric made of SUM and COUNT", got=expression, fix=fix)


def is_additive(tree: exp.Expr) -> bool:
    """Whether the values of groups add up to that of all: sums and counts, added, taken from each other or times a number."""
    if isinstance(tree, exp.Sum):
        return True
    if isinstance(tree, exp.Count):
        return not isinstance(tree.this, exp.Distinct)
    if isinstance(tree, exp.Paren | exp.Neg | exp.Filter | exp.Cast | exp.Coalesce):
        return is_additive(tree.this)
    if isinstance(tree, exp.Add | exp.Sub):
        return is_additive(tree.this) and is_additive(tree.expression)
    if isinstance(tree, exp.Mul):
        sides = (tree.this, tree.expression)
        return any(isinstance(side, exp.Literal) for side in sides) and any(is_additive(side) for side in sides)
    return isinstance(tree, exp.Div) and isinstance(tree.expression, exp.Literal) and is_additive(tree.this)
