"""No name that an expression may hold is a function of the whole row to Postgres, which would show masked columns."""

from __future__ import annotations

import psycopg
import pytest

from seawall.app.expressions import parse_expression
from seawall.app.grammar import InvalidExpression

CALLABLE = "SELECT DISTINCT proname FROM pg_proc WHERE prokind = 'f' AND pronargs >= 1 AND proname ~ '^[A-Za-z_][A-Za-z0-9_]*$' ORDER BY 1"


def test_every_function_of_a_row_is_a_name_refused(empty_database_url: str) -> None:
    """Each function of this Postgres, written as a column of a table that has no such column."""
    shown = []
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE t (a integer, hidden text)")
        for (name,) in connection.execute(CALLABLE).fetchall():
            try:
                connection.execute(f'SELECT "base"."{name}" FROM "t" AS "base"')
            except psycopg.errors.UndefinedColumn:
                continue
            except psycopg.Error:
                pass  # it was called
            shown.append(name)
    assert "row_to_json" in shown
    for name in shown:
        with pytest.raises(InvalidExpression):
            parse_expression(name)
