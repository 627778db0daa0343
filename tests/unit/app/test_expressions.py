"""The grammar lets in what it lists, and nothing because it was forgotten."""

from __future__ import annotations

import re

import pytest
import sqlglot
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from seawall.app.expressions import aggregates_of, columns_of, parse_expression, parse_metric, parse_scalar
from seawall.app.grammar import InvalidExpression

ALLOWED = """
SUM(t.a) / NULLIF(COUNT(DISTINCT t.b), 0)
SUM(t.a) FILTER (WHERE t.b > 1 AND t.c IN ('a', 'b'))
CASE WHEN a = 1 THEN 'x' WHEN b IS NULL THEN 'z' ELSE 'y' END
CAST(a AS DECIMAL(10, 2)) + b::bigint
a BETWEEN 1 AND 2 OR NOT b LIKE 'x%' ESCAPE '!'
date_trunc('week', sold_at)
EXTRACT(YEAR FROM sold_at) * 100 + month(sold_at)
upper(trim(name)) || '-' || substring(name, 1, 3)
greatest(abs(a), ceil(b), floor(c), round(d, 2), coalesce(e, 0))
-a % 2 <> 0 AND b IS NOT TRUE
DATE '2017-01-01' <= day
AVG(t.a) - MIN(t.b) + MAX(t.c)
CAST(a AS DECIMAL(38, 38)) + CAST(b AS NUMERIC(5)) + LENGTH(CAST(c AS VARCHAR(20))) + ROUND(d, -2)
""".strip().splitlines()

REFUSED = """
(SELECT 1)
CAST(a AS DECIMAL(10, 20))
CAST(a AS DECIMAL(39, 2))
CAST(a AS INTEGER(3))
SUBSTRING(name)
ROUND(a, 'x')
a IN (SELECT b FROM t)
EXISTS (SELECT 1)
read_csv('/etc/passwd')
read_parquet('x.parquet')
read_text('/etc/passwd')
glob('/*')
getenv('HOME')
pg_read_file('/etc/passwd')
pg_sleep(10)
query('SELECT 1')
SUM(a) OVER ()
row_number() OVER (ORDER BY a)
a; DROP TABLE t
a UNION SELECT 1
*
COUNT(*)
t.*
current_user
current_setting('x')
now()
random()
$1
?
:name
@name
a[1]
{'a': 1}
[1, 2]
x -> x + 1
a AS b
a b
catalog.schema.t.a
CAST(a AS STRUCT(b INT))
CAST(a AS JSON)
a COLLATE "x"
a AT TIME ZONE 'UTC'
INTERVAL '1' DAY
a = ANY(b)
UNNEST(a)
COPY t TO 'x'
ATTACH 'x'
PRAGMA database_list
INSTALL httpfs
'a.csv'.b
"../x"
SUM(DISTINCT a)
COUNT(DISTINCT a, b)
if(a, b, c)
a IN (b)
a IN ()
date_trunc('century', a)
EXTRACT(EPOCH FROM a)
SUM(a) WITHIN GROUP (ORDER BY a)
SUM(a) IGNORE NULLS
/* only a comment */
""".strip("\n").splitlines()


@pytest.mark.parametrize("text", ALLOWED)
def test_the_listed_grammar_is_allowed(text: str) -> None:
    """What the reference lists parses, and means the same when written out again."""
    tree = parse_expression(text)
    assert parse_expression(tree.sql()).sql() == tree.sql()


@pytest.mark.parametrize("text", ["offset + 1", "limit", "exists", "table", "values", "interval", "a;", "window"])
def test_words_of_statements_are_refused_where_a_parser_takes_them_for_names(text: str) -> None:
    """The words are looked at before the tree: what a parser makes of them is not trusted alone."""
    with pytest.raises(InvalidExpression, match="not allowed"):
        parse_expression(text)


@pytest.mark.parametrize("text", ["row_to_json", '"to_jsonb"', "CAST(concat AS VARCHAR)", "LENGTH(record_out)", "SUM(t.Quote_Literal)"])
def test_names_that_postgres_takes_for_functions_of_the_row_are_refused(text: str) -> None:
    """`base.row_to_json` without such a column is the whole row as text, masked columns included."""
    with pytest.raises(InvalidExpression, match="not allowed"):
        parse_expression(text)
    assert parse_expression("concatenated + to_json_size").sql()


@pytest.mark.parametrize("text", REFUSED)
def test_everything_else_is_refused(text: str) -> None:
    """Subqueries, table functions, files, windows, parameters and unlisted functions do not pass."""
    with pytest.raises(InvalidExpression) as caught:
        parse_expression(text)
    assert caught.value.detail
    assert caught.value.fix


def test_depth_and_length_are_bounded() -> None:
    """Text made to exhaust the parser is refused before it is parsed."""
    for text in (
        "(" * 40 + "a" + ")" * 40,
        "not " * 100 + "a",
        "a + " * 400 + "a",
        "'" + "x" * 5_000 + "'",
        "CASE WHEN " * 30,
        "- " * 100 + "a",
    ):
        with pytest.raises(InvalidExpression):
            parse_expression(text)


def test_comments_do_not_reach_the_database() -> None:
    """A comment could be a hint; it is dropped."""
    assert "danger" not in parse_expression("a /*+ danger */ + 1 -- danger").sql(dialect="duckdb")


def test_names_are_quoted() -> None:
    """A column named like a keyword or a system value stays a column in every dialect."""
    assert parse_expression("user").sql(dialect="postgres") == '"user"'


def test_fields_use_their_own_table_and_do_not_aggregate() -> None:
    """A field is one value of one row."""
    assert columns_of(parse_scalar("a + b * a")) == (("", "a"), ("", "b"))
    for text in ("SUM(a)", "other.a"):
        with pytest.raises(InvalidExpression):
            parse_scalar(text)


def test_metrics_aggregate_named_fields_once() -> None:
    """Every field stands in an aggregate, none inside two, each with its dataset."""
    assert len(aggregates_of(parse_metric("SUM(t.a) FILTER (WHERE t.b = 1) / COUNT(u.c)"))) == 2
    for text in ("t.a", "SUM(t.a) + t.b", "SUM(MAX(t.a))", "SUM(a)", "SUM(1)", "1 + 1"):
        with pytest.raises(InvalidExpression):
            parse_metric(text)


PIECES = st.sampled_from(
    re.findall(
        r"\S+",
        """
        a t.b 1 'x' "y" ( ) , + - * / = < . ; [ { ? : @ $ || :: not and or in is null like between case when then else end select from
        where sum( count( distinct filter( cast( as int extract( date_trunc( over exists( union read_csv( interval
        """,
    )
)


@settings(max_examples=150, deadline=None)
@given(text=st.lists(PIECES, max_size=14).map(" ".join) | st.text(max_size=30))
@example("a\x00b")
@example("'unclosed")
@example("1e")
def test_nothing_makes_the_parser_fail_otherwise(text: str) -> None:
    """Any text is an expression of listed nodes only, or InvalidExpression."""
    try:
        tree = parse_expression(text)
    except InvalidExpression:
        return
    again = sqlglot.parse_one(f"SELECT {tree.sql(dialect='duckdb')}", dialect="duckdb")
    assert isinstance(again, exp.Select)
    assert len(again.expressions) == 1
    assert not list(again.find_all(exp.Table, exp.Subquery, exp.Anonymous, exp.Window, exp.Command))
