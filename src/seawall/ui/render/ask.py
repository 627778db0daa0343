"""The page that answers a question in words: what was asked, what was understood, what could be asked instead.

```html
<section class="asked">
  <h1>the words, marked</h1> <ul class="chips">…</ul> <p class="told">by whom</p> <form class="then">and …</form>
</section>
<div class="row cols-1"><section class="panel">the answer</section></div>
<div class="opinions"><form class="verdict">…</form> <form class="keep">…</form></div>
```
Everything is plain links and forms. What people wrote is escaped here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from markupsafe import Markup

from seawall.app.model import Panel
from seawall.ask.question import Question
from seawall.ask.spans import Span
from seawall.ui.ask.vocabulary import Offered
from seawall.ui.charts.text import esc, markup
from seawall.ui.render import states
from seawall.ui.render.chip_editor import Editor
from seawall.ui.render.chips import chip_list
from seawall.ui.render.context import RenderContext

MEANT = frozenset({"metric", "dimension", "value", "condition", "period", "grain", "number", "noun", "time", "show"})
EXAMPLES_MAX = 3
QUESTION_MAX = 500
COMMENT_MAX = 500
TITLE_MAX = 120


class Link(msgspec.Struct, frozen=True):
    """A question that could be asked."""

    href: str
    text: str


class Heard(msgspec.Struct, frozen=True):
    """What was asked and what came of it, as the page tells it."""

    title: str
    """The words asked, or what a question in parameters says."""
    spans: tuple[Span, ...] = ()
    after: str = ""
    """Of a follow-up: the question it refines, as a sentence."""
    after_href: str = ""
    tier: str = ""
    model: str = ""
    confidence: float = 0.0
    why: str = ""
    """Of a refusal: what was not understood and what could be asked, in a sentence."""
    said: str = ""
    """What the asker did with the answer a moment ago."""


class Opinion(msgspec.Struct, frozen=True):
    """What goes with a thumb up or down."""

    here: str
    """The query string of the page, to come back to."""
    text: str
    before: str
    params: str
    refusal: str
    tier: str


def heading(heard: Heard, ctx: RenderContext) -> str:
    """What was asked, with the words that were understood marked."""
    after = ""
    if heard.after:
        lead = esc(ctx.messages["ask.after"])
        after = f'<p class="after">{lead} <a href="{esc(heard.after_href)}" data-ask-link dir="auto">{esc(heard.after)}</a></p>'
    return f'{after}<h1 id="h-asked" dir="auto" tabindex="-1">{_marked(heard.title, heard.spans, ctx)}</h1>'


def working(title: str, ctx: RenderContext) -> str:
    """What stands there while a question takes longer to understand."""
    words = ctx.messages
    return (
        f'<section class="asked" aria-labelledby="h-asked"><h1 id="h-asked" dir="auto">{esc(title)}</h1>'
        f'<p class="told" role="status">{esc(words["ask.working"])}</p><div class="chips skeleton" aria-hidden="true">'
        '<i class="chip w3"></i><i class="chip w2"></i><i class="chip w4"></i></div></section>'
    )


def understood(heard: Heard, editor: Editor) -> str:
    """The question as a sentence that can be edited, who understood it, and room for what refines it."""
    ctx = editor.ctx
    return (
        f'<section class="asked" aria-labelledby="h-asked">{heading(heard, ctx)}{chip_list(editor)}'
        f"{_thanks(heard, ctx)}{_told(heard, ctx)}{_then(editor)}</section>"
    )


def refused(heard: Heard, offers: Iterable[Link], ctx: RenderContext) -> str:
    """What was not understood, and what could be asked instead."""
    words = ctx.messages
    return (
        f'<section class="asked is-refused" aria-labelledby="h-asked">{heading(heard, ctx)}'
        f'<div class="refused" role="status"><p><strong>{esc(words["ask.refused"])}</strong></p><p dir="auto">{esc(heard.why)}</p></div>'
        f"{_thanks(heard, ctx)}{_links(words['ask.instead'], offers)}</section>"
    )


def welcome(offered: Offered, examples: Iterable[Link], ctx: RenderContext, lang: str) -> str:
    """A place to begin: a box, some questions, and what there is to ask about."""
    words = ctx.messages
    metrics = "".join(
        f'<li><a href="/{esc(ctx.app)}/ask?metric={esc(one.name)}" data-ask-link>{esc(one.label.in_locale(ctx.locale))}</a>'
        f"<span>{esc(one.description.in_locale(ctx.locale))}</span></li>"
        for one in offered.metrics
    )
    hidden = f'<input type="hidden" name="lang" value="{esc(lang)}">' if lang else ""
    return (
        f'<section class="asked" aria-labelledby="h-asked"><h1 id="h-asked">{esc(words["ask.title"])}</h1>'
        f'<p class="lead">{esc(words["ask.lead"])}</p>'
        f'<form class="then" method="get" action="/{esc(ctx.app)}/ask">{hidden}<label for="q-here">{esc(words["ask.label"])}</label>'
        f'<input id="q-here" name="q" type="search" maxlength="{QUESTION_MAX}" autocomplete="off" dir="auto">'
        f'<button class="apply always">{esc(words["ask.go"])}</button></form>'
        f'{_links(words["ask.examples"], examples)}<h2>{esc(words["ask.metrics"])}</h2><ul class="metrics">{metrics}</ul></section>'
    )


def opinions(opinion: Opinion, question: Question | None, title: str, ctx: RenderContext, *, keeps: bool, said: str = "") -> str:
    """Was it right, and shall it be kept; what was `said` already is not asked again."""
    parts = _verdict(opinion, question, ctx) if opinion.text and said not in ("up", "down") else ""
    parts += _keep(opinion, title, ctx) if question is not None and keeps and said != "kept" else ""
    return f'<div class="opinions">{parts}</div>' if parts else ""


def _verdict(opinion: Opinion, question: Question | None, ctx: RenderContext) -> str:
    words = ctx.messages
    fields = (
        ("here", opinion.here),
        ("q", opinion.text),
        ("before", opinion.before),
        ("params", opinion.params),
        ("refusal", opinion.refusal),
        ("tier", opinion.tier),
        ("locale", ctx.locale),
    )
    return (
        f'<form class="verdict" method="post" action="/{esc(ctx.app)}/ask/verdict">{_hidden(fields)}'
        f"<fieldset><legend>{esc(words['ask.right' if question else 'ask.should'])}</legend>"
        f'<button class="button" name="verdict" value="up">{_THUMB}<span>{esc(words["ask.up"])}</span></button>'
        f'<button class="button" name="verdict" value="down">{_THUMB_DOWN}<span>{esc(words["ask.down"])}</span></button></fieldset>'
        f'<details><summary>{esc(words["ask.comment"])}</summary><label for="comment" class="sr">{esc(words["ask.comment"])}</label>'
        f'<textarea id="comment" name="comment" rows="3" maxlength="{COMMENT_MAX}" dir="auto"></textarea>'
        f'<p class="hint">{esc(words["ask.comment.hint"])}</p></details></form>'
    )


def _keep(opinion: Opinion, title: str, ctx: RenderContext) -> str:
    words = ctx.messages
    return (
        f'<form class="keep" method="post" action="/{esc(ctx.app)}/mine">{_hidden((("params", opinion.params), ("here", opinion.here)))}'
        f'<label for="keep-title" class="sr">{esc(words["mine.title_of"])}</label>'
        f'<input id="keep-title" name="title" value="{esc(title[:TITLE_MAX])}" maxlength="{TITLE_MAX}" dir="auto" required>'
        f'<button class="button" name="do" value="keep">{esc(words["ask.keep"])}</button></form>'
    )


def unanswerable(panel: Panel, reason: str, ctx: RenderContext) -> Markup:
    """A panel whose question was understood, but makes no answer that could be shown."""
    words = ctx.messages
    return markup(
        f'{states.head(panel, ctx)}<div class="panel-body {states.shape(panel)}"><div class="failed h200">'
        f"<p><strong>{esc(words[f'ask.failed.{reason}'])}</strong></p><p>{esc(words[f'ask.failed.{reason}.next'])}</p></div></div>"
        '<footer class="panel-foot"></footer>'
    )


def _marked(text: str, spans: Sequence[Span], ctx: RenderContext) -> str:
    """The words, those with a meaning marked and those without one underlined, each said so to who listens."""
    parts, at = [], 0
    for one in sorted(spans, key=lambda each: each.start):
        if one.start < at or one.end > len(text) or one.kind not in MEANT | {"unknown"}:
            continue
        inside = esc(text[one.start : one.end])
        unknown = f' title="{esc(ctx.messages["ask.unknown"])}"' if one.kind == "unknown" else ""
        parts.append(f'{esc(text[at : one.start])}<mark class="{"unknown" if unknown else "known"}"{unknown}>{inside}</mark>')
        at = one.end
    return "".join((*parts, esc(text[at:])))


def _told(heard: Heard, ctx: RenderContext) -> str:
    if not heard.tier:
        return ""
    words = ctx.messages
    who = words.text(f"ask.by.{heard.tier}", model=heard.model) if f"ask.by.{heard.tier}" in words else heard.tier
    sure = words.text("ask.sure", share=ctx.formatter.share(heard.confidence))
    return f'<p class="told">{esc(who)} · {esc(sure)}</p>'


def _thanks(heard: Heard, ctx: RenderContext) -> str:
    key = f"ask.said.{heard.said}"
    if key not in ctx.messages:
        return ""
    link = f' <a href="/{esc(ctx.app)}/mine">{esc(ctx.messages["mine"])}</a>' if heard.said == "kept" else ""
    return f'<p class="notice" role="status">{esc(ctx.messages[key])}{link}</p>'


def _then(editor: Editor) -> str:
    words = editor.ctx.messages
    return (
        f'<form class="then" method="get" action="{esc(editor.action)}">{_hidden(editor.said)}'
        f'<label for="then">{esc(words["ask.then"])}</label>'
        f'<input id="then" name="then" type="search" maxlength="{QUESTION_MAX}" autocomplete="off" dir="auto" '
        f'placeholder="{esc(words["ask.then.hint"])}"><button class="button">{esc(words["ask.go"])}</button></form>'
    )


def _links(title: str, links: Iterable[Link]) -> str:
    items = "".join(f'<li><a href="{esc(one.href)}" data-ask-link dir="auto">{esc(one.text)}</a></li>' for one in links)
    return f'<h2>{esc(title)}</h2><ul class="offers">{items}</ul>' if items else ""


def _hidden(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(f'<input type="hidden" name="{esc(name)}" value="{esc(value)}">' for name, value in pairs if value)


_PATH = "M5 9v8H2V9zm2 0 4-7c1.3 0 2 .8 2 2l-.6 4H17c1 0 1.6.9 1.4 1.8l-1.6 6c-.2.8-.9 1.2-1.8 1.2H7z"
_THUMB = f'<svg width="16" height="16" viewBox="0 0 20 20" aria-hidden="true"><path d="{_PATH}"/></svg>'
_THUMB_DOWN = f'<svg class="down" width="16" height="16" viewBox="0 0 20 20" aria-hidden="true"><path d="{_PATH}"/></svg>'

__all__ = ["Heard", "Link", "Opinion", "heading", "opinions", "refused", "unanswerable", "understood", "welcome", "working"]
