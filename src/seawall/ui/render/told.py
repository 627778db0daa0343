"""Which of a panel's metrics a big number tells, and how it is written: as `y` of its encoding says."""

from __future__ import annotations

import msgspec

from seawall.app.chart_columns import encoding_of
from seawall.app.model import Format, Panel
from seawall.query.port import Column
from seawall.ui.charts.data import PanelData


def told(panel: Panel, data: PanelData) -> PanelData:
    """The rows with the metric that is asked for first, in the format asked for."""
    encoding = next((found for layer in panel.chart.layers if (found := encoding_of(layer, "y")) is not None), None)
    names = [column.name for column in data.columns]
    if encoding is None or encoding.field not in names:
        return data
    place = names.index(encoding.field)
    order = [place, *(each for each in range(len(names)) if each != place)]
    columns = [data.columns[each] for each in order]
    if encoding.format is not None:
        columns[0] = _formatted(columns[0], encoding.format)
    return PanelData(tuple(columns), data.table.select(order))


def _formatted(column: Column, format: Format) -> Column:
    return msgspec.structs.replace(column, format=format)
