"""The filter bar: a plain GET form, one labelled control a filter, complete without script.

Every control is named as its URL parameter. A multiselect is a disclosure of check boxes (the browser repeats the parameter),
a period a select of relative periods and recent months, which `query/periods.py` reads. The script hides the Apply button.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from markupsafe import Markup

from seawall.app.model import Page, PageFilter
from seawall.ui.charts.text import esc, markup
from seawall.ui.render.context import RenderContext

Options = Mapping[str, Sequence[object]]
LAST = (("weeks", 4), ("weeks", 13), ("weeks", 26), ("weeks", 52))
MONTHS_BACK = 12


def filter_bar(
    page: Page, options: Options, ctx: RenderContext, problems: Mapping[str, str] | None = None, *, partial: Collection[str] = ()
) -> Markup:
    """The form. `options`: filter name → choices; `problems`: filter name → what is wrong with its value, in words.

    `partial` names the text filters that find a part of a value; the others want all of it.
    """
    if not page.filters:
        return markup("")
    wrong = problems or {}
    controls = "".join(
        _control(each, list(options.get(each.name, ())), ctx, wrong.get(each.name, ""), whole=each.name not in partial)
        for each in page.filters.values()
    )
    words = ctx.messages
    chosen = any(ctx.parameters.get(name) for name in page.filters)
    hidden = "" if chosen else " hidden"
    clear = f'<a class="plain" href="{esc(_cleared(page, ctx))}" data-page-link data-clear{hidden}>{esc(words["clear"])}</a>'
    lang = "".join(f'<input type="hidden" name="lang" value="{esc(value)}">' for value in ctx.parameters.get("lang", [])[:1])
    problems_first = filter_problems(page, wrong, ctx)
    return markup(
        f'{problems_first}<form id="filters" class="filters" method="get" aria-label="{esc(words["filters"])}">{lang}{controls}'
        f'<div class="go"><button class="apply">{esc(words["apply"])}</button>{clear}</div></form>'
    )


def filter_problems(page: Page, wrong: Mapping[str, str], ctx: RenderContext) -> Markup:
    """The errors first, each a link to its control (GOV.UK's error summary). Nothing when there are none."""
    if not wrong:
        return markup("")
    items = "".join(
        f'<li><a href="#f-{esc(name)}">{esc(page.filters[name].label.in_locale(ctx.locale))}: <span>{esc(text)}</span></a></li>'
        for name, text in wrong.items()
        if name in page.filters
    )
    title = esc(ctx.messages["problem_summary"])
    return markup(f'<div class="error-summary" role="alert" aria-labelledby="es"><h2 id="es">{title}</h2><ul>{items}</ul></div>')


def _control(each: PageFilter, choices: list[object], ctx: RenderContext, problem: str, *, whole: bool) -> str:
    values = list(ctx.parameters.get(each.name, []))
    said = _said(each, wrong=bool(problem))
    if each.control == "text":
        body = _input(each, values, ctx, ctx.messages["hint.whole" if whole else "hint.text"], "search", said)
    else:
        body = {"select": _select, "multiselect": _multiselect, "period": _period, "range": _range}[each.control](
            each, choices, values, ctx, said
        )
    error = f'<p class="error" id="e-{esc(each.name)}">{esc(problem)}</p>' if problem else ""
    return f'<div class="field{" wrong" if problem else ""}">{error}{body}</div>'


def _said(each: PageFilter, *, wrong: bool) -> str:
    """The attributes by which a control tells what is wrong with it and where its hint is; `problems.js` sets and takes the same."""
    ids = [f"e-{each.name}"] * wrong + [f"t-{each.name}"] * (each.control in ("range", "text"))
    invalid = ' aria-invalid="true"' if wrong and each.control != "multiselect" else ""
    return invalid + (f' aria-describedby="{esc(" ".join(ids))}"' if ids else "")


def _label(each: PageFilter, ctx: RenderContext) -> str:
    return f'<label for="f-{esc(each.name)}">{esc(each.label.in_locale(ctx.locale) or each.name)}</label>'


def _select(each: PageFilter, choices: list[object], values: list[str], ctx: RenderContext, said: str) -> str:
    pairs = [("", ctx.messages["all"]), *((_token(choice), _words(choice)) for choice in choices)]
    return _label(each, ctx) + _options(each, pairs, values[0] if values else "", said)


def _options(each: PageFilter, pairs: Sequence[tuple[str, str]], chosen: str, said: str) -> str:
    known = {value for value, _ in pairs}
    extra = [] if chosen in known else [(chosen, chosen)]
    inside = "".join(
        f'<option value="{esc(value)}"{" selected" if value == chosen else ""}>{esc(text)}</option>' for value, text in [*pairs, *extra]
    )
    return f'<select id="f-{esc(each.name)}" name="{esc(each.name)}"{said}>{inside}</select>'


def _multiselect(each: PageFilter, choices: list[object], values: list[str], ctx: RenderContext, said: str) -> str:
    tokens = [(_token(choice), _words(choice)) for choice in choices]
    tokens += [(value, value) for value in values if value not in {token for token, _ in tokens}]
    boxes = "".join(
        f'<label class="box"><input type="checkbox" name="{esc(each.name)}" value="{esc(token)}"{" checked" if token in values else ""}>'
        f'<span dir="auto">{esc(text)}</span></label>'
        for token, text in tokens
    )
    name = esc(each.label.in_locale(ctx.locale) or each.name)
    shown = _chosen([text for token, text in tokens if token in values], ctx)
    none, many = esc(ctx.messages["all"]), esc(ctx.messages["chosen"])
    return (
        f'<span class="label" id="l-{esc(each.name)}">{name}</span><details class="multi" id="f-{esc(each.name)}"><summary{said}>'
        f'<span class="sr">{name}: </span><span class="chosen" data-none="{none}" data-many="{many}">{esc(shown)}</span></summary>'
        f'<fieldset class="menu" aria-labelledby="l-{esc(each.name)}">{boxes}</fieldset></details>'
    )


def _chosen(chosen: list[str], ctx: RenderContext) -> str:
    if not chosen:
        return ctx.messages["all"]
    return chosen[0] if len(chosen) == 1 else ctx.messages.count("chosen", len(chosen))


def _period(each: PageFilter, _: list[object], values: list[str], ctx: RenderContext, said: str) -> str:
    words = ctx.messages
    pairs = [("", words["period.all"])]
    pairs += [(f"last_{count}_{unit}", words.count(f"period.last_{unit}", count)) for unit, count in LAST]
    pairs += _months(ctx)
    chosen = values[0] if values else ""
    if chosen and chosen not in {value for value, _ in pairs}:
        pairs.append((chosen, period_words(chosen, ctx)))
    return _label(each, ctx) + _options(each, pairs, chosen, said)


def _months(ctx: RenderContext) -> list[tuple[str, str]]:
    """The last twelve months that have data, latest first."""
    if ctx.as_of is None:
        return []
    last = ctx.as_of.year * 12 + ctx.as_of.month - 1
    days = [date(index // 12, index % 12 + 1, 1) for index in range(last, max(last - MONTHS_BACK, 12), -1)]
    return [(f"{day.year:04d}-{day.month:02d}", ctx.formatter.date(day, "yMMM")) for day in days]


def period_words(text: str, ctx: RenderContext) -> str:
    """A period of the URL in words; as it is when it has another form."""
    start, dots, end = text.partition("..")
    if dots:
        return ctx.messages.text("period.range", start=_day(start, ctx), end=_day(end, ctx))
    _, _, rest = text.partition("last_")
    count, _, unit = rest.partition("_")
    key = f"period.last_{unit.rstrip('s')}s"
    return ctx.messages.count(key, int(count)) if count.isdecimal() and len(count) < 6 and key in ctx.messages else text


def _day(text: str, ctx: RenderContext) -> str:
    try:
        return ctx.formatter.date(date.fromisoformat(text), "yMMMd")
    except ValueError:
        return text or "…"


def _range(each: PageFilter, _: list[object], values: list[str], ctx: RenderContext, said: str) -> str:
    return _input(each, values, ctx, ctx.messages["hint.range"], "decimal", said)


def _input(each: PageFilter, values: list[str], ctx: RenderContext, hint: str, mode: str, said: str) -> str:
    name = esc(each.name)
    value = esc(values[0]) if values else ""
    kind = "search" if mode == "search" else "text"
    return (
        f'{_label(each, ctx)}<input id="f-{name}" name="{name}" type="{kind}" inputmode="{mode}" value="{value}" placeholder=" " dir="auto"'
        f' autocomplete="off"{said}><p class="hint" id="t-{name}">{esc(hint)}</p>'
    )


def _cleared(page: Page, ctx: RenderContext) -> str:
    kept = {name: values for name, values in ctx.parameters.items() if name not in page.filters and "." not in name}
    rest = RenderContext(ctx.app, ctx.page, ctx.locale, ctx.as_of, kept, ctx.now).query
    return f"?{rest}" if rest else "?"


def _token(choice: object) -> str:
    """A choice as the URL spells it."""
    if isinstance(choice, bool):
        return "true" if choice else "false"
    return "" if choice is None else str(choice)


def _words(choice: object) -> str:
    return "—" if choice is None else str(choice)
