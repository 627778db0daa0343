"""What the declarations of a semantic model share: names, expressions, synonyms, and our extensions."""

from __future__ import annotations

import re

import msgspec

from seawall.app import names
from seawall.app.faults import Report
from seawall.app.grammar import InvalidExpression
from seawall.app.shape import extension_validator, shaped
from seawall.app.yaml_reader import CONTROL
from seawall.app.yaml_tree import Mark, Node

VENDOR = "SEAWALL"
DIALECT = "ANSI_SQL"
_NOTHING = Node({}, Mark(""))


def declared_name(node: Node, kind: str, report: Report) -> str:
    """A declared name; a fault when it is not a plain word."""
    name = node.get("name")
    if name is None:
        return ""
    if re.search(names.KEY, name.text()) is None:
        expected = "small letters, digits and underscores, a letter first, at most 60"
        report.add(
            name, "bad_name", f"A {kind} may not be called `{name.text()[:60]}`", expected=expected, got=name.text(), fix="Rename it"
        )
    return name.text()


def ansi_expression(node: Node, report: Report) -> tuple[str, Node | None]:
    """The ANSI_SQL text and its node; ("", None) when there is none (which is reported, unless the schema already did)."""
    expression = node.get("expression")
    if expression is None:
        return "", None
    for item in expression.listed("dialects"):
        if item.word("dialect") == DIALECT and item.has("expression"):
            found = item.get("expression")
            return (found.text(), found) if found is not None else ("", None)
    if expression.listed("dialects"):
        report.add(
            expression,
            "bad_expression",
            "There is no expression in the dialect ANSI_SQL",
            expected="a dialect ANSI_SQL",
            got=", ".join(item.word("dialect") for item in expression.listed("dialects")),
            fix="Add `{dialect: ANSI_SQL, expression: …}`",
        )
    return "", None


def report_expression(at: Node, error: InvalidExpression, report: Report) -> None:
    """Report an invalid expression at the character that is wrong."""
    report.add(
        at.inside(error.offset),
        "bad_expression",
        error.detail,
        where=at.where,
        expected=error.expected,
        got=error.got or at.text(),
        fix=error.fix,
    )


def extension_of(node: Node, kind: str, report: Report) -> Node:
    """Our extension's content, shaped; an empty mapping when there is none."""
    for item in node.listed("custom_extensions"):
        data = item.get("data")
        if item.word("vendor_name") != VENDOR or data is None:
            continue
        try:
            content = msgspec.json.decode(data.text())
        except (msgspec.DecodeError, RecursionError) as error:
            report.add(
                data,
                "bad_extension",
                f"The extension's data is not JSON: {error}",
                got=data.text(),
                fix="""Write a JSON object in single quotes: '{"label": "Sales"}'""",
            )
            return Node({}, data.mark, data.where, broken=("data",))
        if _has_control(content):
            report.add(data, "bad_extension", "The extension's data holds a control character", got=data.text(), fix="Remove the escape")
            return Node({}, data.mark, data.where, broken=("data",))
        inner = Report()
        tree = shaped(_as_node(content, data, data.where, 0), extension_validator(kind), inner)
        for fault in inner.faults():
            report.add(data, "bad_extension", fault.detail, where=fault.where, expected=fault.expected, got=fault.got, fix=fault.fix)
        return tree
    return _NOTHING


def _has_control(content: object) -> bool:
    """Whether some text in it has a character that an escape may make and nothing can show."""
    left = [content]
    while left:
        part = left.pop()
        if isinstance(part, str) and CONTROL.search(part) is not None:
            return True
        left += (*part, *part.values()) if isinstance(part, dict) else part if isinstance(part, list) else ()
    return False


def _as_node(content: object, at: Node, where: str, depth: int) -> Node:
    """JSON that stood inside a text, as nodes that all stand where the text does."""
    if isinstance(content, dict) and depth < 8:
        return Node({str(k): _as_node(v, at, f"{where}.{k}", depth + 1) for k, v in content.items()}, at.mark, where)
    if isinstance(content, list) and depth < 8:
        return Node([_as_node(v, at, f"{where}[{i}]", depth + 1) for i, v in enumerate(content)], at.mark, where)
    return Node(content if isinstance(content, str | int | float | bool) else None, at.mark, where)


def synonyms_of(node: Node) -> tuple[str, ...]:
    """Other words for the same thing, from `ai_context`."""
    context = node.get("ai_context")
    return tuple(child.text() for child in context.listed("synonyms")) if context else ()


def key_columns(node: Node | None, report: Report) -> tuple[str, ...]:
    """Physical columns of a key."""
    columns = [] if node is None else node.items() if isinstance(node.value, list) else []
    for column in columns:
        if re.search(names.TABLE, column.text()) is None:
            report.add(
                column,
                "bad_name",
                f"`{column.text()[:60]}` is not a column's name",
                expected="letters, digits and underscores",
                got=column.text(),
                fix="Name a column of the table",
            )
    return tuple(column.text() for column in columns)
