"""What the filter bar says of its text fields is what the query does."""

import msgspec
from tests.unit.ui_server.sample import sample_app, text

from seawall.app.model import PageFilter
from seawall.ui.filters import partial_filters


def test_a_part_is_enough_only_where_it_is() -> None:
    """Text is searched for a part; a number, a day and a list of choices want all of a value."""
    app = sample_app()
    fields = {"where": "store", "number": "id", "day": "sold_at"}
    added = {name: PageFilter(name, f"transactions.{field}", text(name), "text") for name, field in fields.items()}
    page = msgspec.structs.replace(app.pages["demand"], filters=app.pages["demand"].filters | added)
    assert partial_filters(app, page) == {"where"}
