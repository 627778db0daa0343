"""The grammar of expressions, as an allow-list: which words, which nodes, and which parts of those nodes.

A node type that is not in the table, a part of a node that is not listed with it, and a word that is not in the list of
tokens are refused, so nothing is let in by being forgotten. Text is bounded before anything looks at it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

from seawall.core.errors import InvalidInput

LENGTH_MAX = 4_000
TOKENS_MAX = 500
NESTING_MAX = 24
DECIMAL_DIGITS_MAX = 38

Kind = type[exp.Expr]


class InvalidExpression(InvalidInput):
    """The expression is not valid, or uses something outside the allowed grammar."""

    slug = "invalid-expression"

    def __init__(self, detail: str = "", *, offset: int = 0, expected: str = "", got: str = "", fix: str = "") -> None:
        self.offset = offset
        """Characters from the start of the text to the trouble."""
        super().__init__(detail, expected=expected, got=got, fix=fix)


_BINARY = frozenset({"this", "expression"})
_ONE = frozenset({"this"})
_ALLOWED: dict[Kind, frozenset[str]] = {
    exp.Literal: frozenset({"this", "is_string"}),
    exp.Boolean: _ONE,
    exp.Null: frozenset(),
    exp.Column: frozenset({"this", "table"}),
    exp.Identifier: frozenset({"this", "quoted"}),
    exp.Paren: _ONE,
    exp.Neg: _ONE,
    exp.Not: _ONE,
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul, exp.Mod), _BINARY),
    exp.Div: _BINARY | {"typed", "safe"},
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.And, exp.Or, exp.Is, exp.Like, exp.Escape), _BINARY),
    exp.Like: _BINARY | {"negate"},
    exp.In: frozenset({"this", "expressions"}),
    exp.Between: frozenset({"this", "low", "high"}),
    exp.Case: frozenset({"this", "ifs", "default"}),
    exp.If: frozenset({"this", "true", "false"}),
    exp.Cast: frozenset({"this", "to"}),
    exp.DataType: frozenset({"this", "expressions"}),
    exp.DataTypeParam: _ONE,
    exp.Coalesce: frozenset({"this", "expressions"}),
    exp.Nullif: _BINARY,
    exp.Round: frozenset({"this", "decimals"}),
    **dict.fromkeys((exp.Abs, exp.Floor, exp.Ceil, exp.Lower, exp.Upper, exp.Length), _ONE),
    **dict.fromkeys((exp.Greatest, exp.Least), frozenset({"this", "expressions", "ignore_nulls"})),
    exp.Substring: frozenset({"this", "start", "length"}),
    exp.Trim: frozenset({"this", "position", "expression"}),
    exp.Concat: frozenset({"expressions", "safe"}),
    exp.DPipe: _BINARY | {"safe"},
    exp.DateTrunc: frozenset({"this", "unit"}),
    exp.Extract: _BINARY,
    exp.Var: _ONE,
    **dict.fromkeys((exp.Year, exp.Quarter, exp.Month, exp.Week, exp.Day, exp.DayOfWeek), _ONE),
    **dict.fromkeys((exp.Sum, exp.Avg, exp.Min, exp.Max), _ONE),
    exp.Count: frozenset({"this", "big_int"}),
    exp.Distinct: frozenset({"expressions"}),
    exp.Filter: _BINARY,
    exp.Where: _ONE,
}
AGGREGATES: tuple[Kind, ...] = (exp.Sum, exp.Avg, exp.Min, exp.Max, exp.Count)

_TYPES = frozenset(
    exp.DataType.Type[name]
    for name in (
        "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL", "VARCHAR", "TEXT", "BOOLEAN", "DATE", "TIME", "TIMESTAMP", "TIMESTAMPTZ",
    )
)  # fmt: skip
_UNITS = frozenset({"HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"})
_PARTS = _UNITS | {"MINUTE", "DOW", "DAYOFWEEK", "DOY", "DAYOFYEAR", "ISODOW"}
_NUMBER = re.compile(r"[0-9]{0,40}(\.[0-9]{0,40})?([eE][-+]?[0-9]{1,3})?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_ROW_FUNCTION = re.compile(
    r"pg_.*|any.*_out|concat|hash_record|jsonb?_build_(array|object)|num_(non)?nulls|quote_(literal|nullable)|record_.*|row_to_json|to_jsonb?",
    re.IGNORECASE,
)
"""Names that Postgres takes, where a table has no such column, for a function of the whole row, masked columns included."""

_TOKENS = frozenset(
    TokenType[name]
    for name in re.findall(
        "[A-Z_]+",
        """
        L_PAREN R_PAREN COMMA DOT DASH PLUS STAR SLASH MOD EQ NEQ GT GTE LT LTE DPIPE DCOLON AND OR NOT CASE WHEN THEN ELSE END IN
        BETWEEN IS ISNULL NOTNULL NULL TRUE FALSE LIKE ESCAPE DISTINCT FILTER WHERE FROM FOR STRING NUMBER IDENTIFIER VAR ALIAS SMALLINT
        INT BIGINT FLOAT DOUBLE DECIMAL VARCHAR TEXT BOOLEAN DATE TIME TIMESTAMP TIMESTAMPTZ YEAR LEFT RIGHT
        """,
    )
    if name in TokenType.__members__
)
"""What may stand in an expression at all. FROM is for EXTRACT, SUBSTRING and TRIM. Plain words that are not statements may too."""
_STATEMENTS = frozenset(
    re.findall(
        "[A-Z]+",
        """
        SELECT WITH VALUES TABLE INSERT UPDATE DELETE CREATE DROP ALTER COPY ATTACH DETACH PRAGMA CALL LOAD INSTALL SET EXPLAIN DESCRIBE
        UNION INTERSECT EXCEPT JOIN OVER WINDOW LATERAL UNNEST PIVOT UNPIVOT QUALIFY GROUP ORDER HAVING LIMIT OFFSET EXISTS ANY ALL SOME
        ARRAY MAP STRUCT INTERVAL COLLATE USING INTO
        """,
    )
)


def vet_tokens(text: str) -> None:
    """Refuse text that is too long, too deep, or holds a word that no expression needs."""
    if len(text) > LENGTH_MAX or not text.strip():
        expected, got = f"1 to {LENGTH_MAX:,} characters", f"{len(text):,}"
        raise InvalidExpression("The expression is empty or too long", expected=expected, got=got, fix="Write one, like SUM(sales.amount)")
    try:
        tokens = sqlglot.tokenize(text)
    except (SqlglotError, ValueError) as error:
        raise syntax_error(error, text) from error
    if len(tokens) > TOKENS_MAX:
        raise InvalidExpression(
            "The expression is too long", expected=f"at most {TOKENS_MAX} words and signs", got=str(len(tokens)), fix="Split it"
        )
    depth = run = 0
    for token in tokens:
        depth += (token.token_type in (TokenType.L_PAREN, TokenType.CASE)) - (token.token_type in (TokenType.R_PAREN, TokenType.END))
        run = run + 1 if token.token_type in (TokenType.NOT, TokenType.DASH, TokenType.PLUS) else 0
        if depth > NESTING_MAX or run > NESTING_MAX:
            raise InvalidExpression(
                "The expression is nested too deep",
                expected=f"at most {NESTING_MAX} levels",
                offset=token.start,
                fix="Split it into fields",
            )
        plain_word = _NAME.fullmatch(token.text) is not None and token.text.upper() not in _STATEMENTS
        if token.token_type not in _TOKENS and not plain_word:
            raise _refused(token.text, token.start)


def vet(node: exp.Expr) -> None:
    """Refuse a node of a kind, or with a part, that is not allowed."""
    allowed = _ALLOWED.get(type(node))
    if isinstance(node, exp.Star):
        raise _refused("*", fix="Name a field, as in COUNT(sales.id)")
    if allowed is None:
        raise _refused(_spoken(node))
    for key, value in node.args.items():
        if key not in allowed and value not in (None, False, [], ""):
            raise _refused(f"{key.upper()} of {_spoken(node)}")
    check = _CHECKS.get(type(node))
    if check is not None and not check(node):
        raise _refused(_spoken(node))


def _is_name(text: object) -> bool:
    return isinstance(text, str) and _NAME.fullmatch(text) is not None and _ROW_FUNCTION.fullmatch(text) is None


def _is_literal(node: object) -> bool:
    return isinstance(node, exp.Literal | exp.Null | exp.Boolean) or (isinstance(node, exp.Neg) and isinstance(node.this, exp.Literal))


def _is_sized(node: exp.Expr) -> bool:
    """Whether the numbers behind a type are those it takes: DECIMAL(width, scale), VARCHAR(length)."""
    sizes = [int(size.name) if size.name.isascii() and size.name.isdecimal() else -1 for size in node.expressions]
    if node.this == exp.DataType.Type.DECIMAL:
        return not sizes or (len(sizes) <= 2 and 1 <= sizes[0] <= DECIMAL_DIGITS_MAX and 0 <= sizes[-1] <= sizes[0])
    return not sizes or (node.this in (exp.DataType.Type.VARCHAR, exp.DataType.Type.TEXT) and sizes[0] > 0 and len(sizes) == 1)


_CHECKS: dict[Kind, Callable[[exp.Expr], bool]] = {
    exp.Literal: lambda node: node.is_string or _NUMBER.fullmatch(str(node.this)) is not None,
    exp.Column: lambda node: isinstance(node.this, exp.Identifier),
    exp.Identifier: lambda node: _is_name(node.this),
    exp.DataType: lambda node: node.this in _TYPES and _is_sized(node),
    exp.DataTypeParam: lambda node: isinstance(node.this, exp.Literal),
    exp.In: lambda node: bool(node.expressions) and all(_is_literal(item) for item in node.expressions),
    exp.Is: lambda node: isinstance(node.expression, exp.Null | exp.Boolean),
    exp.Count: lambda node: isinstance(node.this, exp.Expression),
    exp.Distinct: lambda node: isinstance(node.parent, exp.Count) and len(node.expressions) == 1,
    exp.Filter: lambda node: isinstance(node.this, AGGREGATES) and isinstance(node.expression, exp.Where),
    exp.Where: lambda node: isinstance(node.parent, exp.Filter),
    exp.Substring: lambda node: node.args.get("start") is not None,
    exp.Round: lambda node: not getattr(node.args.get("decimals"), "is_string", False),
    exp.If: lambda node: isinstance(node.parent, exp.Case),
    exp.DateTrunc: lambda node: node.args["unit"].name.upper() in _UNITS,
    exp.Extract: lambda node: isinstance(node.this, exp.Var) and node.name.upper() in _PARTS,
    exp.Var: lambda node: isinstance(node.parent, exp.Extract | exp.DateTrunc),
}  # fmt: skip


def _spoken(node: exp.Expr) -> str:
    if isinstance(node, exp.Anonymous):
        return f"{node.name}()"
    if isinstance(node, exp.Func):
        return f"{node.sql_name()}()"
    if isinstance(node, exp.DataType):
        return f"the type {node.sql()}"
    if isinstance(node, exp.Identifier):
        return f"the name {node.name}"
    return {"Subquery": "a subquery", "Select": "a subquery", "Window": "a window"}.get(type(node).__name__, type(node).__name__.upper())


def _refused(what: str, offset: int = 0, *, fix: str = "Prepare the value as a column of the table") -> InvalidExpression:
    return InvalidExpression(
        f"{what[:60]} is not allowed in an expression",
        offset=offset,
        expected="columns, literals, arithmetic, comparisons, CASE, CAST and the functions in docs/reference/app.md",
        got=what,
        fix=fix,
    )


def syntax_error(error: Exception, text: str) -> InvalidExpression:
    """A parser\'s complaint as one of ours, at the character it points to."""
    details = getattr(error, "errors", None)
    if details and details[0].get("col") is not None:
        found = details[0]
        end = _offset(text, int(found.get("line") or 1), int(found["col"]))
        offset = max(0, end - len(found.get("highlight") or ""))
        return InvalidExpression(
            "The expression is not valid SQL",
            offset=offset,
            got=str(found.get("highlight") or text[:60]),
            fix="Check commas, parentheses and quotes",
        )
    return InvalidExpression("The expression is not valid SQL", got=text[:60], fix="Check commas, parentheses and quotes")


def _offset(text: str, line: int, column: int) -> int:
    lines = text.split("\n")
    return sum(len(part) + 1 for part in lines[: line - 1]) + column
