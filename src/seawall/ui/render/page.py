"""The document around the panels: head, banner, page head, filters, rows of panels.

```html
<main id="main" data-app data-page data-watermark data-release>
  <div class="page-head">…</div> <form id="filters">…</form>
  <div class="row cols-2">
    <section class="panel" id="panel-NAME" data-panel="NAME" data-filters="…" aria-labelledby="h-NAME">…</section> …
  </div>
</main>
```
`shell_open` ends after the filters, inside `<main>`, so that templates sent later are its direct children; `rows` (or `row_open`,
`panel_open`, …) follow; `shell_close` ends the document. Nothing here knows who asks, except through what it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec
from markupsafe import Markup

from seawall.app.model import App, Page, Panel
from seawall.ui.charts.text import esc, markup
from seawall.ui.messages import locales
from seawall.ui.render.context import RenderContext

_MARK = (
    '<svg class="mark" width="20" height="20" viewBox="0 0 20 20" aria-hidden="true"><path d="M3 8h14V3h-3v2h-2.5V3h-3v2H6V3H3z"/>'
    '<path d="M1 13c2.2 0 2.2-2 4.5-2s2.3 2 4.5 2 2.2-2 4.5-2 2.3 2 4.5 2"/>'
    '<path d="M1 17c2.2 0 2.2-2 4.5-2s2.3 2 4.5 2 2.2-2 4.5-2 2.3 2 4.5 2"/></svg>'
)
_ARROW = '<svg width="16" height="16" viewBox="0 0 20 20" aria-hidden="true"><path d="M3 10h13m-5-5 5 5-5 5"/></svg>'
STYLE_MARK = "<!--style-->"
FIRST_ROW_MARK = "<!--first-row-->"
"""After the first of several rows; what a browser should show before it goes on reading stands before it."""
_CURRENT = ' aria-current="page"'
RTL = frozenset({"ar", "fa", "he", "ur"})


class NavLink(msgspec.Struct, frozen=True):
    """A page in the banner."""

    href: str
    label: str
    current: bool = False


class Assets(msgspec.Struct, frozen=True):
    """Where style and script are served."""

    css: str
    """Empty: the document brings its style sheet along, where STYLE_MARK stands."""
    scripts: tuple[str, ...] = ()
    """Loaded `async`, in this order of importance (the fallback for out-of-order panels first)."""
    deferred: tuple[str, ...] = ()
    """ES modules, which browsers run once the document is whole."""
    after_first_row: bool = False
    """Scripts are named, and loaded by the one that stands after the first row."""
    icon: str = ""


class Shell(msgspec.Struct, frozen=True):
    """What the document says about itself beyond app, page and context."""

    watermark: str = ""
    release: str = ""
    in_order_url: str = ""
    """Where a browser with neither script nor `<template for>` gets the page in order; empty: not offered."""
    sign_out_url: str = "/auth/sign-out"
    csrf: str = ""
    notice: str = ""
    """A sentence above the panels, such as that a filter was set aside."""
    asks: bool = False
    """Whether the banner holds a box for questions."""
    asked: str = ""
    """What stands in it."""
    bare: bool = False
    """The document's own inside begins with a heading."""


_SHELL = Shell()


def shell_open(
    app: App, page: Page, ctx: RenderContext, filters_html: Markup, nav: Sequence[NavLink], assets: Assets, shell: Shell = _SHELL
) -> Markup:  # fmt: skip
    """From the doctype to the filters. What follows is inside `<main>`."""
    language = esc(ctx.messages.locale)
    direction = ' dir="rtl"' if ctx.locale.partition("-")[0] in RTL else ""
    title = f"{page.title.in_locale(ctx.locale)} · {app.title.in_locale(ctx.locale) or app.name}"
    return markup(
        f'<!doctype html><html lang="{language}"{direction} data-offline="{esc(ctx.messages["offline"])}"'
        f' data-try-again="{esc(ctx.messages["retry"])}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">'
        f"<title>{esc(title)}</title>{_links(assets)}{_in_order(shell)}</head>"
        f'<body><a class="skip" href="#main">{esc(ctx.messages["skip"])}</a>{_banner(app, ctx, nav, shell)}'
        f'<main id="main" data-app="{esc(app.name)}" data-page="{esc(page.name)}" data-watermark="{esc(shell.watermark)}"'
        f' data-release="{esc(shell.release)}">{"" if shell.bare else page_head(page, ctx)}{filters_html}{_notice(shell)}'
        f'<p id="status" class="sr" role="status"></p>{_late(ctx)}'
    )


def shell_close() -> Markup:
    """The end of the document."""
    return markup("</main></body></html>")


def page_head(page: Page, ctx: RenderContext) -> Markup:
    """The page's title, what it is for, and up to when its data goes."""
    words = page.description.in_locale(ctx.locale)
    as_of = ""
    if ctx.as_of is not None:
        day = ctx.formatter.date(ctx.as_of, "yMMMd")
        as_of = f'<p class="as-of"><time datetime="{ctx.as_of.isoformat()}">{esc(ctx.messages.text("as_of", date=day))}</time></p>'
    description = f'<p class="lead">{esc(words)}</p>' if words else ""
    return markup(f'<div class="page-head"><div><h1>{esc(page.title.in_locale(ctx.locale))}</h1>{description}</div>{as_of}</div>')


def rows(page: Page, inner: Callable[[Panel], str]) -> Markup:
    """Every row of the layout; `inner` gives what stands inside each panel's section."""
    parts = []
    for index, names in enumerate(page.layout):
        panels = [page.panels[name] for name in names]
        parts.append(row_open(len(panels)))
        parts.extend(f"{panel_open(panel)}{inner(panel)}{PANEL_CLOSE}" for panel in panels)
        parts.append(ROW_CLOSE if index or len(page.layout) == 1 else ROW_CLOSE + FIRST_ROW_MARK)
    return markup("".join(parts))


def row_open(count: int) -> str:
    """A row whose `count` panels share the twelve columns evenly."""
    return f'<div class="row cols-{min(max(count, 1), 6)}">'


def panel_open(panel: Panel) -> str:
    """The section of a panel; its inside is the skeleton, then the fragment."""
    name, room = esc(panel.name), _room(panel)
    filters = esc(" ".join(panel.filters))
    return f'<section class="panel{room}" id="panel-{name}" data-panel="{name}" data-filters="{filters}" aria-labelledby="h-{name}">'


def _room(panel: Panel) -> str:
    """The class of the least height a panel ever has, so that nothing moves while a browser takes its skeleton for what it stood for.
    A table may end with fewer rows than it has room for."""
    marks = {layer.mark for layer in panel.chart.layers}
    if not marks or "table" in marks:
        return ""
    return " kn" if "number" in marks else f" k{min(600, max(40, int(panel.chart.height_px) // 20 * 20))}"


ROW_CLOSE = "</div>"
PANEL_CLOSE = "</section>"


def exact_time(at: float, ctx: RenderContext) -> tuple[str, str]:
    """A moment for machines (ISO 8601, UTC) and for people (UTC)."""
    when = datetime.fromtimestamp(at, tz=UTC)
    return when.strftime("%Y-%m-%dT%H:%M:%SZ"), f"{ctx.formatter.date(when, 'datetime')} UTC"


def _links(assets: Assets) -> str:
    links = [f'<link rel="stylesheet" href="{esc(assets.css)}">' if assets.css else STYLE_MARK]
    links += [f'<link rel="icon" href="{esc(assets.icon)}" type="image/svg+xml">'] if assets.icon else []
    if assets.after_first_row:
        return "".join(links) + f'<meta name="scripts" content="{esc(" ".join((*assets.scripts, *assets.deferred)))}">'
    links += [f'<script src="{esc(url)}" async></script>' for url in assets.scripts]
    links += [f'<script src="{esc(url)}" type="module"></script>' for url in assets.deferred]
    return "".join(links)


def _in_order(shell: Shell) -> str:
    if not shell.in_order_url:
        return ""
    return f'<noscript><meta http-equiv="refresh" content="0;url={esc(shell.in_order_url)}"></noscript>'


def _banner(app: App, ctx: RenderContext, nav: Sequence[NavLink], shell: Shell) -> str:
    words = ctx.messages
    pages = "".join(f'<li><a href="{esc(link.href)}"{_CURRENT if link.current else ""}>{esc(link.label)}</a></li>' for link in nav)
    token = f'<input type="hidden" name="csrf" value="{esc(shell.csrf)}">' if shell.csrf else ""
    out = (
        f'<form method="post" action="{esc(shell.sign_out_url)}">{token}<button class="plain">{esc(words["sign_out"])}</button></form>'
        if shell.sign_out_url
        else ""
    )
    title = esc(app.title.in_locale(ctx.locale) or app.name)
    return (
        f'<header class="top"><a class="brand" href="/{esc(app.name)}">{_MARK}<span>{title}</span></a>'
        f'<nav aria-label="{esc(words["pages"])}"><ul>{pages}</ul></nav>{_ask_box(app, ctx, shell)}'
        f'<div class="tools">{_languages(app, ctx)}{out}</div></header>'
    )


def _ask_box(app: App, ctx: RenderContext, shell: Shell) -> str:
    """Questions in words, from every page; "/" goes there where there is script."""
    if not shell.asks:
        return ""
    words = ctx.messages
    lang = "".join(f'<input type="hidden" name="lang" value="{esc(value)}">' for value in ctx.parameters.get("lang", [])[:1])
    return (
        f'<form class="ask" role="search" method="get" action="/{esc(app.name)}/ask">{lang}'
        f'<label class="sr" for="q">{esc(words["ask.label"])}</label><input id="q" name="q" type="search" value="{esc(shell.asked)}" '
        f'placeholder="{esc(words["ask.placeholder"])}" dir="auto" maxlength="500" autocomplete="off" enterkeyhint="search">'
        f'{_key(ctx)}<button aria-label="{esc(words["ask.go"])}">{_ARROW}</button></form>'
    )


def _key(ctx: RenderContext) -> str:
    """The key that goes to the box, where a script can make it do so, and what switches it off: a single character that acts needs
    that (WCAG 2.1.4). The box it stands in sends nothing, so it has no name."""
    words = ctx.messages
    return (
        f'<details class="key-hint"><summary aria-label="{esc(words["ask.key"])}"><kbd>/</kbd></summary>'
        '<label class="menu box"><input type="checkbox" id="slash" checked autocomplete="off">'
        f"{esc(words['ask.key.works'])}</label></details>"
    )


def _languages(app: App, ctx: RenderContext) -> str:
    offered = [locale for locale in app.locales if locale.partition("-")[0] in locales()]
    if len(offered) < 2:
        return ""
    base = ctx.query
    links = []
    for locale in offered:
        language = locale.partition("-")[0]
        current = ' aria-current="true"' if language == ctx.messages.locale else ""
        url = f"?{base}{'&' if base else ''}lang={locale}"
        name, code = esc(ctx.messages[f"locale.{language}"]), esc(language)
        links.append(f'<a href="{esc(url)}" lang="{code}" hreflang="{code}"{current} title="{name}">{esc(language.upper())}</a>')
    return f'<div class="languages" role="group" aria-label="{esc(ctx.messages["language"])}">{"".join(links)}</div>'


def _late(ctx: RenderContext) -> str:
    """What the style sheet shows of a page that was cut off in the middle, when no script is there to ask for the rest."""
    words = ctx.messages
    return f'<div role="status"><p class="late">{esc(words["late"])} <a href="">{esc(words["late.again"])}</a></p></div>'


def _notice(shell: Shell) -> str:
    return f'<p class="notice" role="note">{esc(shell.notice)}</p>' if shell.notice else ""
