"""Keys of rows: they name exactly one row, and nobody can make one up."""

import msgspec
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.ui_server.sample import sample_app

from seawall.app.model import Filter
from seawall.query.cursor import Cursors
from seawall.query.policy import unrestricted
from seawall.ui.row_keys import RowKeys

APP = sample_app()
PANEL = APP.pages["listing"].panels["rows"]
QUERY = PANEL.query
POLICY = unrestricted(APP)
KEYS = RowKeys(Cursors(b"k" * 32))
KEYED = KEYS.keyed(APP, PANEL, QUERY, POLICY)


@given(ids=st.lists(st.integers(-(2**63), 2**63 - 1) | st.none(), min_size=1, max_size=20))
def test_a_key_gives_back_the_values_of_its_row(ids: list[int | None]) -> None:
    """What is asked for with a key is the row it was made of; a missing value is looked for as missing."""
    batch = pa.RecordBatch.from_pydict({"id": pa.array(ids, pa.int64())})
    found = [KEYS.conditions(APP, PANEL, QUERY, POLICY, key) for key in KEYS.of_batch(KEYED, batch)]
    assert found == [(Filter("transactions.id", "is_null") if one is None else Filter("transactions.id", "eq", (one,)),) for one in ids]


@given(text=st.text(max_size=200))
def test_made_up_keys_are_none(text: str) -> None:
    """Whatever somebody types is no key."""
    assert KEYS.conditions(APP, PANEL, QUERY, POLICY, text) is None


def test_keys_of_another_instance_are_none() -> None:
    """They are signed."""
    foreign = RowKeys(Cursors(b"x" * 32)).of_batch(KEYED, pa.RecordBatch.from_pydict({"id": [1]}))[0]
    assert KEYS.conditions(APP, PANEL, QUERY, POLICY, foreign) is None


def test_the_key_is_fetched_even_when_it_is_not_shown() -> None:
    """A panel need not list its key."""
    hidden = msgspec.structs.replace(QUERY, columns=("department",))
    keyed = KEYS.keyed(APP, PANEL, hidden, POLICY)
    assert (keyed.query.columns, keyed.shown, keyed.names) == (("department", "id"), 1, ("id",))
