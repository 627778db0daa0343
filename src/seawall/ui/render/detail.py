"""One row in full, as a section of the page or as the inside of a dialog: the same markup, another way to close it.

```html
<section class="detail" id="row-detail" aria-labelledby="h-row-detail">   only on the page
<div class="detail-head"><div><p class="eyebrow">panel</p><h2 id="h-row-detail">the row</h2></div>close</div>
<div class="facts"><section><h3>dataset</h3><dl><div><dt>label</dt><dd>value</dd><dd class="definition">…</dd></div>…</dl></section>…</div>
</section>
```
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from markupsafe import Markup

from seawall.app.model import Field, Panel, Text
from seawall.query.port import Column
from seawall.ui.charts.text import esc, markup
from seawall.ui.formats import NULL
from seawall.ui.render.context import RenderContext
from seawall.ui.render.table import is_numeric

_FAILED = {"not-found": "row.absent", "deadline-exceeded": "failed.deadline", "unavailable": "failed.unavailable"} | {
    "engine-unavailable": "failed.unavailable"
}


class Fact(msgspec.Struct, frozen=True):
    """One field of a row."""

    column: Column
    field: Field
    group: Text
    """The dataset it is of."""
    value: object


def row_detail(panel: Panel, facts: Sequence[Fact], ctx: RenderContext, *, close_url: str = "") -> Markup:
    """Everything about a row. With `close_url` a section of the page, else the inside of a dialog."""
    first = facts[0]
    heading = _text(first, ctx) or panel.title.in_locale(ctx.locale)
    groups: dict[str, list[Fact]] = {}
    for fact in facts:
        groups.setdefault(fact.group.in_locale(ctx.locale), []).append(fact)
    parts = "".join(
        f"<section><h3>{esc(name)}</h3><dl>{''.join([_fact(fact, ctx) for fact in some])}</dl></section>" for name, some in groups.items()
    )
    return _framed(panel, heading, f'<div class="facts">{parts}</div>', ctx, close_url)


def row_missing(panel: Panel, reason: str, ctx: RenderContext, *, close_url: str = "") -> Markup:
    """Why there is no row to show."""
    words = ctx.messages
    return _framed(panel, words["row.none"], f"<p>{esc(words[_FAILED.get(reason, 'failed.other')])}</p>", ctx, close_url)


def _framed(panel: Panel, heading: str, inside: str, ctx: RenderContext, close_url: str) -> Markup:
    words = esc(ctx.messages["row.close"])
    close = (
        f'<a class="button" href="{esc(close_url)}" data-page-link>{words}</a>'
        if close_url
        else f'<form method="dialog"><button class="button">{words}</button></form>'
    )
    title = esc(panel.title.in_locale(ctx.locale))
    made = (
        f'<div class="detail-head"><div><p class="eyebrow">{title}</p><h2 id="h-row-detail" dir="auto">{esc(heading)}</h2></div>'
        f"{close}</div>{inside}"
    )
    if close_url:
        made = f'<section class="detail" id="row-detail" aria-labelledby="h-row-detail">{made}</section>'
    return markup(made)


def _fact(fact: Fact, ctx: RenderContext) -> str:
    label = esc(fact.column.label.in_locale(ctx.locale) or fact.column.name)
    side = ' class="n"' if is_numeric(fact.column) else ' dir="auto"'
    return f"<div><dt>{label}</dt><dd{side}>{_value(fact, ctx)}</dd>{_definition(fact.field, ctx)}</div>"


def _value(fact: Fact, ctx: RenderContext) -> str:
    text = _text(fact, ctx)
    if text:
        return esc(text)
    why = ctx.messages["null.masked" if fact.column.masked else "null.missing"]
    return f'<span class="null"><span aria-hidden="true">{NULL}</span> {esc(why)}</span>'


def _text(fact: Fact, ctx: RenderContext) -> str:
    """The written value; empty when there is none, or it is hidden."""
    if fact.value is None or fact.column.masked:
        return ""
    text = ctx.formatter.value(fact.value, fact.column.format, fact.column.datatype)
    return "" if text == NULL else text


def _definition(field: Field, ctx: RenderContext) -> str:
    words = field.definition.in_locale(ctx.locale)
    return f'<dd class="definition" dir="auto">{esc(words)}</dd>' if words else ""
