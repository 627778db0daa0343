"""The `similar` of a row panel: what describes a row, and which filters choose what is alike.

A field that is hidden from somebody does not describe rows: how near they are would tell of it. The key is one number or text, because a
vector store knows rows by it.
"""

from __future__ import annotations

from collections.abc import Mapping

from seawall.app.model import Dataset, Field, MetricQuery, PageFilter, Policy, RowsQuery, Similar
from seawall.app.suggest import suggestion
from seawall.app.vocabulary import Vocabulary
from seawall.app.yaml_tree import Node

KEY_TYPES = ("Integer", "String")


def read_similar(
    node: Node | None, query: MetricQuery | RowsQuery, filters: Mapping[str, PageFilter], policies: Mapping[str, Policy], words: Vocabulary
) -> Similar | None:
    """What is written, checked; None when nothing is, or the panel's rows are not known."""
    if node is None or not isinstance(query, RowsQuery):
        return None
    dataset = words.semantics.datasets[query.dataset]
    text = [field for child in node.listed("text") if (field := _text(child, dataset, policies.get(dataset.name), words))]
    row, listed = node.get("row"), node.get("words")
    if row is not None and (chosen := _filter(row, filters, words)) is not None:
        _check_key(row, chosen, dataset, words)
    if listed is not None and (asked := _filter(listed, filters, words)) is not None and asked.control != "text":
        words.report.add(
            listed, "bad_similar", f"`{asked.name}` does not take words", expected="a filter with `control: text`", got=asked.control
        )
    if not text or row is None:
        return None
    return Similar(tuple(field.name for field in text), row.text(), listed.text() if listed is not None else "")


def key_field(dataset: Dataset) -> Field | None:
    """The field that is the dataset's key, when one field is and a store can hold it."""
    if len(dataset.primary_key) != 1:
        return None
    column = dataset.primary_key[0]
    found = (field for field in dataset.fields.values() if field.expression.strip().strip('"') == column)
    return next((field for field in found if field.datatype in KEY_TYPES), None)


def _text(node: Node, dataset: Dataset, policy: Policy | None, words: Vocabulary) -> Field | None:
    found = words.field(node, home=dataset.name)
    if found is None:
        return None
    if found.dataset != dataset.name or found.datatype != "String":
        words.report.add(
            node,
            "bad_similar",
            f"`{found.ref}` does not describe rows of `{dataset.name}`",
            expected="a text field of its own",
            got=found.datatype,
        )
    if policy is not None and found.name in policy.mask:
        detail = f"`{found.ref}` is masked for some roles, to whom likeness would tell of it"
        words.report.add(node, "bad_similar", detail, fix="Describe rows by fields that everybody may see")
    return found


def _filter(node: Node, filters: Mapping[str, PageFilter], words: Vocabulary) -> PageFilter | None:
    found = filters.get(node.text())
    if found is None:
        fix = suggestion(node.text(), filters)
        detail = f"The page has no filter `{node.text()[:80]}`"
        words.report.add(node, "unknown_filter", detail, expected="a filter of this page", got=node.text(), fix=fix)
    return found


def _check_key(node: Node, chosen: PageFilter, dataset: Dataset, words: Vocabulary) -> None:
    key = key_field(dataset)
    if key is None:
        detail = f"`{dataset.name}` has no key that a store of vectors can hold"
        words.report.add(
            node, "bad_similar", detail, expected="a primary_key of one whole number or text", fix="Declare one, with its field"
        )
    elif chosen.field != key.ref or chosen.control not in ("text", "select"):
        detail = f"`{chosen.name}` does not choose a row"
        expected = f"a filter of `{key.ref}` with `control: text` or `select`"
        words.report.add(node, "bad_similar", detail, expected=expected, got=f"{chosen.field or 'the period'}, {chosen.control}")
