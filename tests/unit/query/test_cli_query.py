"""`seawall query`, from options to output."""

from __future__ import annotations

import io
import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner, Result
from tests.unit.query.star import app, everything, viewer

from seawall.app.model import Dimension, Filter, Format, Order, Text
from seawall.cli.instance import NotRunning
from seawall.cli.main import cli
from seawall.cli.query import Asked, principal_of, query_of
from seawall.cli.query_print import PRINTERS
from seawall.core.errors import InvalidInput, NotFound, SeawallError
from seawall.core.principal import Principal
from seawall.query.compile_names import Vocabulary
from seawall.query.policy import resolve
from seawall.query.port import Column
from seawall.query.service import Answer

APP_YAML = """
name: shop
title: Shop
roles: {viewer: {}}
policies: {sales: {rows: [{member: sales.town, op: in, attribute: user.towns}]}}
pages: {home: {title: Home, panels: {total: {title: Total, metric: revenue, chart: {mark: number}}}, layout: [[total]]}}
"""
SEMANTIC_YAML = """
version: 0.2.0.dev0
semantic_model:
  - name: shop
    datasets:
      - name: sales
        source: sales
        primary_key: [id]
        fields:
          - {name: id, expression: {dialects: [{dialect: ANSI_SQL, expression: id}]}, datatype: Integer}
          - {name: town, expression: {dialects: [{dialect: ANSI_SQL, expression: town}]}, datatype: String}
          - {name: amount, expression: {dialects: [{dialect: ANSI_SQL, expression: amount}]}, datatype: Float}
    metrics:
      - {name: revenue, expression: {dialects: [{dialect: ANSI_SQL, expression: SUM(sales.amount)}]}, datatype: Float}
"""


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An app with three rows of data."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "semantic").mkdir()
    (folder / "app.yaml").write_text(APP_YAML)
    (folder / "semantic" / "shop.yaml").write_text(SEMANTIC_YAML)
    (folder / "sales.csv").write_text("id,town,amount\n1,Ulm,2.5\n2,Ulm,1.0\n3,Bonn,4.0\n")
    options = ["publish", str(folder), "--table", f"sales={folder}/sales.csv", "--as-of", "2026-01-01", "--data", str(folder / "data")]
    done = CliRunner().invoke(cli, options)
    assert done.exit_code == 0, done.output
    return folder


def ask(instance: Path, *options: str) -> Result:
    return CliRunner().invoke(cli, ["query", str(instance), "--data", str(instance / "data"), *options])


def test_the_answer_is_what_the_principal_may_see(instance: Path) -> None:
    """Rows of other towns are not counted."""
    done = ask(instance, "--metric", "revenue", "--by", "town", "--as", "role=viewer,towns=Ulm", "--format", "json")
    assert json.loads(done.stdout) == [{"town": "Ulm", "revenue": 3.5}]


def test_conditions_orders_and_limits(instance: Path) -> None:
    """As csv, two towns, the larger first."""
    done = ask(
        instance,
        *("--metric", "revenue", "--by", "town", "--where", "amount > 2", "--order", "-revenue", "--limit", "1"),
        *("--as", "role=viewer,towns=Ulm|Bonn", "--format", "csv"),
    )
    assert done.stdout.split() == ['"town","revenue"', '"Bonn",4']


def test_explain_runs_nothing_and_shows_values_apart(instance: Path) -> None:
    """The statement holds parameters; their values stand below."""
    done = ask(instance, "--metric", "revenue", "--where", "town = Ulm", "--as", "role=viewer,towns=Bonn", "--explain")
    statement, _, values = done.stdout.partition("-- $1")
    assert "Ulm" not in statement
    assert "'Ulm'" in values
    assert "'Bonn'" in values


def test_explain_is_json_for_programs(instance: Path) -> None:
    """The statement, what is bound to it, and on what it would run."""
    done = ask(instance, "--metric", "revenue", "--where", "town = Ulm", "--as", "role=viewer,towns=Bonn", "--explain", "--json")
    told = json.loads(done.stdout)
    assert "Ulm" in str(told["parameters"])
    assert "Ulm" not in told["sql"]
    assert told["engine"] == "warehouse"


@pytest.mark.parametrize(
    "options", [["--metric", "profit"], ["--metric", "revenue", "--by", "town:week"], ["--metric", "revenue", "--where", "town ~ x"]]
)
def test_mistakes_are_errors_of_ours(instance: Path, options: list[str]) -> None:
    """Each is told in a sentence by the command's edge."""
    assert isinstance(ask(instance, *options, "--as", "role=viewer,towns=Ulm").exception, SeawallError)


def test_a_name_like_no_other_is_answered_with_those_there_are(instance: Path) -> None:
    """One that is nearly right, with that one. Names that this principal may not know of are in neither."""
    for name, said in (("turnover", "Expected one of revenue."), ("revenu", "Did you mean revenue?")):
        error = ask(instance, "--metric", name, "--as", "role=viewer,towns=Ulm").exception
        assert isinstance(error, NotFound)
        assert error.sentence() == f"There is no metric named {name}. {said}"


def test_a_grain_is_suggested_for_what_is_nearly_one(instance: Path) -> None:
    """Rather than the fields there are."""
    error = ask(instance, "--metric", "revenue", "--by", "weeek", "--as", "role=viewer,towns=Ulm").exception
    assert isinstance(error, NotFound)
    assert error.fix == "Did you mean week?"


def test_a_name_that_several_datasets_have_is_suggested_once() -> None:
    """Not once for each of them."""
    star = app()
    with pytest.raises(NotFound) as raised:
        Vocabulary(star, resolve(star, viewer())).field("region_i")
    suggested = raised.value.fix.removeprefix("Did you mean ").rstrip("?").split(" or ")
    assert "region_id" in suggested
    assert len(set(suggested)) == len(suggested)


@pytest.mark.parametrize("words", [("query", "--metric", "revenue"), ("ask", "revenue")])
def test_where_no_instance_was_there_is_none(instance: Path, words: tuple[str, ...]) -> None:
    """A slip in --data, or another working directory: nobody is told to publish data, and no folder is made."""
    command, *rest = words
    argv = [command, str(instance), *rest, "--as", "role=viewer,towns=Ulm", "--data", str(instance / "elsewhere")]
    error = CliRunner().invoke(cli, argv).exception
    assert isinstance(error, NotRunning)
    assert "seawall up" in error.fix
    assert not (instance / "elsewhere").exists()


def test_a_role_the_app_does_not_have_is_refused(instance: Path) -> None:
    """Rather than an empty answer, which would look like no data."""
    error = ask(instance, "--metric", "revenue", "--as", "role=king").exception
    assert isinstance(error, InvalidInput)
    assert "viewer" in error.expected


def test_rights_are_written_in_one_option() -> None:
    """Roles, attributes with one or several values, and the identity."""
    made = principal_of("role=viewer|buyer, store_groups=a|b, region=x,user=vera,tenant=t")
    assert made == Principal("vera", "t", ("viewer", "buyer"), {"store_groups": ("a", "b"), "region": "x"})
    with pytest.raises(InvalidInput):
        principal_of("viewer")


def test_bare_names_resolve_among_what_is_visible() -> None:
    """Grains, fields, fields cut to a grain; a hidden field is unknown."""
    shop = app()
    asked = Asked(("revenue",), ("week", "department", "sales.sold_at:month"), ("brand = own",), ("-revenue",), 5, None)
    made = query_of(shop, everything(shop), asked)
    assert made.by == (
        Dimension("week", "", "week"),
        Dimension("department", "products.department"),
        Dimension("month", "sales.sold_at", "month"),
    )
    assert made.where == (Filter("products.brand", "eq", ("own",)),)
    assert made.order == (Order("revenue", True),)
    with pytest.raises(NotFound):
        query_of(shop, resolve(shop, viewer()), Asked((), ("plan",), (), (), None, None))


def printed(form: str, table: pa.Table) -> bytes:
    columns = tuple(Column(name, "String", Text({}), Format(), "field") for name in table.column_names)
    out = io.BytesIO()
    PRINTERS[form](Answer(table, columns, "g1", date(2026, 1, 1)), out)
    return out.getvalue()


def test_values_cannot_drive_the_terminal_or_the_spreadsheet() -> None:
    """Escape sequences are shown as signs, formulas are defused."""
    table = pa.table({"a": ["\x1b[31mred\n", "=1+1"], "b": [Decimal("1234.5"), None]})
    assert b"\x1b" not in printed("table", table)
    assert b"1,234.50" in printed("table", table)
    assert b'"\'=1+1"' in printed("csv", table)
    assert json.loads(printed("json", table))[0]["b"] == 1234.5


@pytest.mark.parametrize("form", sorted(PRINTERS))
def test_an_empty_answer_prints(form: str) -> None:
    """Headers without rows."""
    assert printed(form, pa.table({"a": pa.array([], pa.int64())}))
