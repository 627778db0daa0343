"""The Demand page in Dash, with its answers cached."""

import os
from functools import lru_cache

import plotly.express as px
import queries
from dash import Dash, dash_table, dcc, html

frame = lru_cache(queries.frame)


def line(name: str, y: str) -> dcc.Graph:
    """A line over weeks."""
    return dcc.Graph(figure=px.line(frame(name), x="week", y=y))


def bars(name: str, y: str) -> dcc.Graph:
    """Horizontal bars of net sales."""
    return dcc.Graph(figure=px.bar(frame(name), x="net_sales", y=y, orientation="h"))


def layout() -> html.Div:
    """The page, as Dash wants it: made anew for each visit from cached frames."""
    return html.Div(
        [
            html.H1("Demand"),
            html.P(f"Net sales, last 4 weeks: ${frame('net_sales')['value'][0]:,.0f}"),
            html.P(f"Baskets, last 4 weeks: {frame('baskets')['value'][0]:,}"),
            line("sales_by_week", "net_sales"),
            bars("by_department", "department"),
            bars("by_store_group", "store_group"),
            line("units", "units"),
            line("discount", "rate"),
            line("basket_size", "basket"),
            bars("movers", "category"),
            dash_table.DataTable(frame("rows").astype(str).to_dict("records")),
        ]
    )


app = Dash(__name__)
app.layout = layout

if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ["PORT"]), debug=False)
