"""Pages, filters, panels and layout of app.yaml → Page."""

from __future__ import annotations

from typing import Any, cast

from seawall.app.chart_rows import check_rows
from seawall.app.charts import read_chart
from seawall.app.durations import parse_duration
from seawall.app.headlines import check_headline
from seawall.app.model import FRESH_SECONDS, Chart, Comparison, Layer, MetricQuery, Outage, Page, PageFilter, Panel, Policy
from seawall.app.names import RESERVED_PARAMETERS, RESERVED_PATHS
from seawall.app.queries import Asked, read_metric_query
from seawall.app.rows import read_rows_query
from seawall.app.similar import read_similar
from seawall.app.suggest import suggestion
from seawall.app.vocabulary import Vocabulary
from seawall.app.words import spoken, text_of
from seawall.app.yaml_tree import Mark, Node

_METRIC_KEYS = ("metric", "metrics", "by", "order", "limit", "last", "compare", "finding")
_ROWS_KEYS = ("dataset", "columns", "keyset", "count", "page_size", "similar")


def read_pages(node: Node | None, policies: dict[str, Policy], words: Vocabulary) -> dict[str, Page]:
    """Every page. Panel names are unique in the app, since the data API addresses panels by them."""
    taken: dict[str, Mark] = {}
    pages = {}
    for name, child in (node.entries() if node else {}).items():
        if name in RESERVED_PATHS:
            detail = f"A page may not be called `{name}`"
            words.report.add(
                child.key_mark(),
                "reserved_name",
                detail,
                where=child.where,
                expected=f"none of {', '.join(RESERVED_PATHS)}",
                fix="Rename it",
            )
        pages[name] = _page(name, child, policies, words, taken)
    return pages


def _page(name: str, node: Node, policies: dict[str, Policy], words: Vocabulary, taken: dict[str, Mark]) -> Page:
    filters = {key: _filter(key, child, words) for key, child in _entries(node, "filters").items()}
    panels = {}
    for key, child in _entries(node, "panels").items():
        if key in taken:
            detail = f"There are two panels named `{key}`"
            words.report.add(
                child.key_mark(),
                "duplicate_panel",
                detail,
                where=child.where,
                got=f"the first is at line {taken[key].line}",
                fix="Rename one",
            )
        taken.setdefault(key, child.key_mark())
        panels[key] = _panel(key, child, filters, policies, words)
    return Page(
        name=name,
        title=text_of(node.get("title"), spoken(name)),
        panels=panels,
        layout=_layout(node, words),
        filters=filters,
        description=text_of(node.get("description")),
    )


def _filter(name: str, node: Node, words: Vocabulary) -> PageFilter:
    if name in RESERVED_PARAMETERS:
        detail = f"A filter may not be called `{name}`"
        words.report.add(
            node.key_mark(),
            "reserved_name",
            detail,
            where=node.where,
            expected=f"none of {', '.join(RESERVED_PARAMETERS)}",
            fix="Rename it",
        )
    field_node = node.get("field")
    control = node.word("control") or "select"
    found = words.field(field_node) if field_node is not None else None
    if not node.has("field") and control != "period":
        words.report.add(
            node,
            "missing_key",
            f"The filter `{name}` has no `field`",
            expected="a field, unless control is period",
            fix="Add `field: dataset.field`",
        )
    if found is not None and field_node is not None and control == "period" and not found.is_dated:
        detail = f"`{found.ref}` is not a date, so it has no period"
        words.report.add(
            field_node,
            "not_a_time_field",
            detail,
            expected="a field that is a date, or a date and time",
            got=found.datatype,
            fix="Choose another control, or leave `field` out",
        )
    if found is not None and control == "range" and found.datatype == "Boolean":
        detail, expected = f"`{found.ref}` is true or false, which has no range", "`select` or `multiselect`"
        words.report.add(node.entries()["control"], "bad_choice", detail, expected=expected, got=control, fix="Choose another control")
    return PageFilter(
        name=name,
        field=found.ref if found else "",
        label=text_of(node.get("label")) if node.get("label") else (found.label if found else text_of(None, spoken(name))),
        control=cast(Any, control),
        options_limit=node.whole("options") or 100,
    )


def _layout(node: Node, words: Vocabulary) -> tuple[tuple[str, ...], ...]:
    """Rows of panel names; every panel exactly once."""
    panels, layout = _entries(node, "panels"), node.get("layout")
    placed: dict[str, Mark] = {}
    rows = [row.items() for row in layout.items()] if layout is not None and isinstance(layout.value, list) else []
    for child in (panel for row in rows for panel in row):
        name = child.text()
        if name not in panels:
            fix = suggestion(name, panels)
            words.report.add(
                child, "unknown_panel", f"The page has no panel `{name[:80]}`", expected="a panel of this page", got=name, fix=fix
            )
        elif name in placed:
            got = f"first on line {placed[name].line}"
            words.report.add(child, "panel_laid_out_twice", f"The panel `{name}` is laid out twice", got=got, fix="Remove one")
        placed.setdefault(name, child.mark)
    is_whole = layout is not None and not layout.broken and not any(row.broken for row in layout.items())
    for name, panel in panels.items():
        if name not in placed and is_whole:
            detail = f"The panel `{name}` is not in the layout"
            words.report.add(
                panel.key_mark(), "panel_not_laid_out", detail, where=panel.where, fix=f"Add `[{name}]` to `layout`, or remove the panel"
            )
    return tuple(tuple(child.text() for child in row) for row in rows)


# ── panels ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _panel(name: str, node: Node, filters: dict[str, PageFilter], policies: dict[str, Policy], words: Vocabulary) -> Panel:
    asked = _asked(name, node, policies, words)
    compare, deadline = node.word("compare"), _seconds(node, "deadline")
    chart = read_chart(node.get("chart"), node, asked, words) if asked.columns else Chart((Layer("table"),))
    if not node.broken:
        check_rows(node, chart, asked, words)
        check_headline(node, chart, asked, words)
    similar = read_similar(node.get("similar"), asked.query, filters, policies, words)
    return Panel(
        name=name,
        title=text_of(node.get("title"), spoken(name)),
        query=asked.query,
        chart=chart,
        description=text_of(node.get("description")),
        finding=cast(Any, node.word("finding")),
        filters=tuple(dict.fromkeys((*_filters(node, asked, filters, words), *(similar.filters if similar else ())))),
        compare=Comparison(cast(Any, compare)) if compare else None,
        fresh_for_seconds=_seconds(node, "fresh_for")
        or min(FRESH_SECONDS[engine] for engine in {"warehouse", *words.engines(asked.facts)}),
        on_outage=_outage(node.get("on_outage"), words),
        deadline_ms=deadline * 1000 if deadline else None,
        similar=similar,
    )


def _asked(name: str, node: Node, policies: dict[str, Policy], words: Vocabulary) -> Asked:
    metric_keys, rows_keys = ([key for key in keys if node.get(key) is not None] for keys in (_METRIC_KEYS, _ROWS_KEYS))
    kinds = [key for key in ("metric", "metrics", "dataset") if node.has(key)]
    if len(kinds) != 1:
        got = " and ".join(f"`{kind}`" for kind in kinds) or "none of them"
        expected = "exactly one of `metric`, `metrics` and `dataset`"
        words.report.add(
            node.key_mark(),
            "panel_kind",
            f"The panel `{name}` must ask one thing",
            where=node.where,
            expected=expected,
            got=got,
            fix="Keep one",
        )
    stray = metric_keys if kinds == ["dataset"] else rows_keys if kinds in (["metric"], ["metrics"]) else []
    for key in stray:
        child = node.entries()[key]
        owner = "panels of metrics" if kinds == ["dataset"] else "panels of rows"
        words.report.add(child.key_mark(), "panel_kind", f"`{key}` belongs to {owner}", where=child.where, got=key, fix="Remove it")
    if kinds[-1:] == ["dataset"] and node.get("dataset") is not None:
        return read_rows_query(node, policies, words) or Asked(MetricQuery(()), (), {})
    return read_metric_query(node, words)


def _filters(node: Node, asked: Asked, filters: dict[str, PageFilter], words: Vocabulary) -> tuple[str, ...]:
    """The page's filters that touch the panel: those written, or all whose field its datasets reach."""
    written = node.get("filters")
    if written is None:
        return tuple(name for name, item in filters.items() if asked.facts and _touches(item, asked, words))
    for child in written.items():
        item = filters.get(child.text())
        if item is None:
            fix = suggestion(child.text(), filters)
            words.report.add(
                child,
                "unknown_filter",
                f"The page has no filter `{child.text()[:80]}`",
                expected="a filter of this page",
                got=child.text(),
                fix=fix,
            )
        elif item.field:
            owner = item.field.partition(".")[0]
            words.reach(child, asked.facts, owner, "The panel")
            if len(words.engines((*asked.facts, owner))) > 1:
                detail = f"The filter `{item.name}` is over another database than the panel"
                words.report.add(child, "mixed_engines", detail, got=item.field, fix="Remove it from `filters`")
    return tuple(child.text() for child in written.items())


def _touches(item: PageFilter, asked: Asked, words: Vocabulary) -> bool:
    if item.field:
        owner = item.field.partition(".")[0]
        return len(words.engines((*asked.facts, owner))) == 1 and all(words.has_path(fact, owner) for fact in asked.facts)
    return item.control == "period" and all(words.has_time(fact) for fact in asked.facts)


def _outage(node: Node | None, words: Vocabulary) -> Outage:
    if node is None:
        return Outage()
    serve, after = node.word("serve") or "stale", node.get("else")
    max_age = _seconds(node, "max_age")
    for key, useless in (("max_age", serve != "stale"), ("else", serve == "explanation")):
        child = node.get(key)
        if child is not None and useless:
            words.report.add(
                child.key_mark(), "bad_outage", f"`{key}` has no meaning with `serve: {serve}`", where=child.where, fix=f"Remove `{key}`"
            )
    summary = serve == "summary" or (serve == "stale" and (after is None or after.text() == "summary"))
    return Outage((max_age if max_age is not None else 86_400.0) if serve == "stale" else None, summary)


def _seconds(node: Node, key: str) -> float | None:
    child = node.get(key)
    return parse_duration(child.text()) if child is not None else None


def _entries(node: Node, key: str) -> dict[str, Node]:
    child = node.get(key)
    return child.entries() if child is not None else {}
