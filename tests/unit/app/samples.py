"""A small app without faults, as text, so that tests can break one thing at a time."""

from __future__ import annotations

from pathlib import Path

APP = """\
name: shop
title: {en: Shop, de: Laden}
locales: [en, de]
roles: {viewer: {}, buyer: {extends: viewer}, approver: {extends: [buyer]}}
policies:
  sales:
    roles: [viewer]
    rows: [{member: stores.region, op: in, attribute: user.regions, unless: [approver]}]
    mask: {customer: {unless: approver}}
  stores: {}
  visits: {}
pages:
  demand:
    title: Demand
    filters:
      region: {field: stores.region, control: multiselect}
      period: {control: period}
    panels:
      trend:
        title: {en: Sales, de: Umsatz}
        metric: revenue
        by: [week, region]
        where: [{field: stores.region, op: ne, value: North}, "amount > 0"]
        order: [-revenue]
        limit: 500
        last: 13
        chart: {mark: line, encoding: {x: {field: week}, y: {field: revenue, title: Revenue, format: percent}, color: {field: region}}}
        fresh_for: 24h
        deadline: 900ms
        on_outage: {serve: stale, max_age: 24h, else: summary}
      total: {metrics: [revenue, visitors], filters: [region]}
      rows: {dataset: sales, columns: [sold_at, sale, amount, stores.region], keyset: [-sold_at, sale], count: estimate}
    layout: [[trend, total], [rows]]
"""

SEMANTIC = """\
version: 0.2.0.dev0
semantic_model:
  - name: shop
    datasets:
      - name: sales
        source: sales
        primary_key: [sale]
        custom_extensions: [{vendor_name: SEAWALL, data: '{"time": "sold_at"}'}]
        fields:
          - {name: sold_at, datatype: DateTime, expression: {dialects: [{dialect: ANSI_SQL, expression: sold_at}]}}
          - {name: sale, datatype: Integer, expression: {dialects: [{dialect: ANSI_SQL, expression: sale}]}}
          - {name: amount, datatype: Decimal, expression: {dialects: [{dialect: ANSI_SQL, expression: quantity * price}]}}
          - {name: customer, datatype: Integer, expression: {dialects: [{dialect: ANSI_SQL, expression: customer_id}]}}
      - name: stores
        source: stores
        primary_key: [store_id]
        fields:
          - {name: region, datatype: String, expression: {dialects: [{dialect: ANSI_SQL, expression: region}]}}
      - name: visits
        source: visits
        primary_key: [visit]
        custom_extensions: [{vendor_name: SEAWALL, data: '{"time": "day"}'}]
        fields:
          - {name: day, datatype: Date, expression: {dialects: [{dialect: ANSI_SQL, expression: day}]}}
          - {name: people, datatype: Integer, expression: {dialects: [{dialect: ANSI_SQL, expression: people}]}}
    relationships:
      - {name: sold_in, from: sales, to: stores, from_columns: [store_id], to_columns: [store_id]}
      - {name: visited, from: visits, to: stores, from_columns: [store_id], to_columns: [store_id]}
    metrics:
      - {name: revenue, expression: {dialects: [{dialect: ANSI_SQL, expression: SUM(sales.amount)}]}}
      - {name: visitors, expression: {dialects: [{dialect: ANSI_SQL, expression: SUM(visits.people)}]}}
"""


def write_app(folder: Path, app: str = APP, semantic: str = SEMANTIC) -> Path:
    """The app as files."""
    (folder / "semantic").mkdir(parents=True, exist_ok=True)
    (folder / "app.yaml").write_text(app)
    (folder / "semantic" / "shop.yaml").write_text(semantic)
    return folder


def edited(text: str, old: str, new: str) -> str:
    """The text with one place changed; the place must be there."""
    assert old in text, old
    return text.replace(old, new, 1)
