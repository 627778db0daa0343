"""Somebody's own page: the answers they keep, each with what can be done with it. Plain links and forms."""

from __future__ import annotations

from urllib.parse import parse_qsl

from seawall.ui.ask.stores import TITLE_MAX, Kept
from seawall.ui.charts.text import esc
from seawall.ui.render.context import RenderContext


def none_kept(ctx: RenderContext) -> str:
    """An empty page, with the way to fill it."""
    words = ctx.messages
    return (
        f'<div class="empty h200"><p><strong>{esc(words["mine.none"])}</strong></p><p>{esc(words["mine.none.next"])}</p>'
        f'<a class="button" href="/{esc(ctx.app)}/ask">{esc(words["ask.title"])}</a></div>'
    )


def said(word: str, ctx: RenderContext) -> str:
    """That a change could not be kept."""
    return f'<p class="notice" role="status">{esc(ctx.messages["ask.said.lost"])}</p>' if word == "lost" else ""


def changing(one: Kept, ctx: RenderContext, *, first: bool, last: bool, lang: str) -> str:
    """What can be done with an answer: open, rename, move, take off."""
    words, app = ctx.messages, esc(ctx.app)
    about = f'<input type="hidden" name="id" value="{one.id}">' + (f'<input type="hidden" name="lang" value="{esc(lang)}">' if lang else "")
    link = f"/{app}/ask?{esc(one.params)}{f'&amp;lang={esc(lang)}' if lang else ''}"
    moves = "" if first else _button("up", words["mine.up"], one.title)
    moves += "" if last else _button("down", words["mine.down"], one.title)
    return (
        f'<details class="change"><summary>{esc(words["mine.change"])}<span class="sr">: {esc(one.title)}</span></summary>'
        f'<form method="post" action="/{app}/mine">{about}<label for="t-{one.id}">{esc(words["mine.title_of"])}</label>'
        f'<input id="t-{one.id}" name="title" value="{esc(one.title)}" maxlength="{TITLE_MAX}" required dir="auto">'
        f"{_button('rename', words['mine.rename'], one.title)}</form>"
        f'<form method="post" action="/{app}/mine">{about}{moves}{_button("remove", words["mine.remove"], one.title)}'
        f'<a class="button" href="{link}">{esc(words["mine.open"])}</a></form></details>'
    )


def _button(do: str, text: str, title: str) -> str:
    return f'<button class="button" name="do" value="{do}">{esc(text)}<span class="sr">: {esc(title)}</span></button>'


def values_of(params: str) -> dict[str, list[str]]:
    """A kept question's parameters."""
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(params, keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return found


def missing(one: Kept, ctx: RenderContext) -> str:
    """An answer that cannot be asked any more."""
    words = ctx.messages
    return (
        f'<header class="panel-head"><div><h2 id="h-kept-{one.id}" dir="auto">{esc(one.title)}</h2></div></header>'
        f'<div class="panel-body is-table"><div class="failed h200"><p><strong>{esc(words["mine.gone"])}</strong></p></div></div>'
        '<footer class="panel-foot"></footer>'
    )
