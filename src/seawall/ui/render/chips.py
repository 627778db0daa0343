"""A question as a sentence of chips, each with a small form that changes it and a cross that takes it away; complete without script.

A form holds every other part of the question as hidden fields in their order, so that sending it gives the address of the changed
question. Choices are only what the asker's rights show (`ui/ask/vocabulary.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import msgspec

from seawall.app.model import Field, Filter, Operator
from seawall.app.names import GRAINS
from seawall.ask.params import METRICS_MAX, to_params, without
from seawall.ask.question import CONDITIONS_MAX, Question, Show
from seawall.ask.said_period import period_words
from seawall.ask.sentence import Chip, chips, period_text, phrases
from seawall.ui.ask.asked import query_of
from seawall.ui.ask.vocabulary import NUMBERS, Offered
from seawall.ui.ask.worded import Odd
from seawall.ui.charts.text import esc
from seawall.ui.render.context import RenderContext

Pair = tuple[str, str]
PERIODS = (
    "last_1_week",
    "last_4_weeks",
    "last_13_weeks",
    "last_1_month",
    "last_3_months",
    "last_1_quarter",
    "last_1_year",
    "this_month",
    "this_year",
)
MONTHS_BACK = 12
PERIOD_LIST = "d-period"
DIMENSIONS_MAX = 4
_TEXT_OPS: tuple[Operator, ...] = ("eq", "ne", "contains", "starts_with", "is_null", "not_null")
_NUMBER_OPS: tuple[Operator, ...] = ("eq", "ne", "ge", "gt", "le", "lt", "is_null", "not_null")
_YES_NO: tuple[Operator, ...] = ("eq", "is_null", "not_null")
_LISTS: dict[str, str] = {"in": "eq", "not_in": "ne"}


class Editor(msgspec.Struct, frozen=True):
    """What the chips of one question need to know."""

    question: Question
    offered: Offered
    ctx: RenderContext
    lang: str = ""
    of: str = ""
    """The text that it was understood from: whoever mends a part and then says that it is right has shown what the text means."""
    odd: Odd | None = None
    """What was written into one of the fields and not understood: the field says so, and the question is what it was before."""

    @property
    def pairs(self) -> list[Pair]:
        """The whole question as fields of a form."""
        return to_params(self.question) + [(name, value) for name, value in (("of", self.of), ("lang", self.lang)) if value]

    @property
    def said(self) -> list[Pair]:
        """The question alone, for what goes on from it."""
        return to_params(self.question) + ([("lang", self.lang)] if self.lang else [])

    def is_odd(self, home: str) -> bool:
        """Whether a field of the form with this name was not understood."""
        return self.odd is not None and self.odd.at.removesuffix("-v") == home

    @property
    def action(self) -> str:
        """Where forms go."""
        return f"/{self.ctx.app}/ask"

    def href(self, question: Question) -> str:
        """The address of another question."""
        return f"{self.action}?{query_of(question, of=self.of, lang=self.lang)}"


def chip_list(editor: Editor) -> str:
    """Every part of the question, and what could be added."""
    app, locale = editor.offered.app, editor.ctx.locale
    items = "".join(_chip(editor, one) for one in chips(editor.question, app, locale))
    label = esc(editor.ctx.messages["ask.parts"])
    return f'<ul class="chips" aria-label="{label}">{items}{_adding(editor)}</ul>'


def list_of(ref: str) -> str:
    """The id of a field's list of suggestions."""
    return "d-" + ref.replace(".", "-")


def suggestions(ref: str, values: Sequence[object]) -> str:
    """A field's values as a list of suggestions."""
    options = "".join(f'<option value="{esc(str(value))}">' for value in values if value is not None)
    return f'<datalist id="{esc(list_of(ref))}">{options}</datalist>'


def period_suggestions(ctx: RenderContext) -> str:
    """Periods by name, and the last months that have data."""
    named = list(PERIODS)
    if ctx.as_of is not None:
        newest = ctx.as_of.year * 12 + ctx.as_of.month - 1
        named += [f"{at // 12:04d}-{at % 12 + 1:02d}" for at in range(newest, max(newest - MONTHS_BACK, 12), -1)]
    options = "".join(f'<option value="{esc(period_words(text, ctx.locale, ctx.as_of))}">' for text in named)
    return f'<datalist id="{PERIOD_LIST}">{options}</datalist>'


def _chip(editor: Editor, chip: Chip) -> str:
    words = editor.ctx.messages
    inside = _control(editor, chip)
    text = f'<span dir="auto">{esc(chip.text)}</span>'
    body = text
    if inside:
        body = (
            f'<details name="chip"{_open(editor, f"c-{chip.name}-{chip.place}")}>'
            f'<summary>{text}<span class="sr">, {esc(words["ask.change"])}</span></summary>'
            f'<form class="menu" method="get" action="{esc(editor.action)}">{inside}'
            f'<button class="button">{esc(words["ask.apply"])}</button></form></details>'
        )
    left = without(editor.question, chip.name, chip.place)
    cross = ""
    if left.metrics or left.by:
        label = words.text("ask.without", what=chip.text)
        cross = (
            f'<a class="x" href="{esc(editor.href(left))}" data-ask-link aria-label="{esc(label)}"><span aria-hidden="true">×</span></a>'
        )
    return f'<li class="chip is-{chip.name}">{body}{cross}</li>'


def _control(editor: Editor, chip: Chip) -> str:
    """The fields of a chip's form, in the place of the part they change; nothing for a part that can only be taken away."""
    before, after = _around(editor.pairs, chip.name, chip.place)
    name = f"c-{chip.name}-{chip.place}"
    if chip.name == "where":
        own = [one for one in editor.question.where if not (one.op == "during" and not one.field)][chip.place]
        return _hidden([*before, *after, ("wp", str(chip.place))]) + _condition(editor, own, name)
    control = {
        "metric": _metric, "by": _by, "period": _period, "order": _order,
        "limit": _number, "last": _number, "compare": _compare, "show": _show,
    }.get(chip.name)  # fmt: skip
    if control is None:
        return ""
    return _hidden(before) + control(editor, chip.name, chip.value, name) + _hidden(after)


def _around(pairs: list[Pair], name: str, place: int) -> tuple[list[Pair], list[Pair]]:
    at = [index for index, pair in enumerate(pairs) if pair[0] == name][place]
    return pairs[:at], pairs[at + 1 :]


def _hidden(pairs: Sequence[Pair]) -> str:
    return "".join(f'<input type="hidden" name="{esc(name)}" value="{esc(value)}">' for name, value in pairs)


def _metric(editor: Editor, name: str, value: str, id_: str) -> str:
    choices = [(one.name, one.label.in_locale(editor.ctx.locale)) for one in editor.offered.metrics]
    return _label(editor, id_, "metric") + _select(id_, name, [("", choices)], value)


def _by(editor: Editor, name: str, value: str, id_: str) -> str:
    said = phrases(editor.ctx.locale)
    grains = [(grain, said(f"grain.{grain}")) for grain in GRAINS if grain != "hour"]
    groups = [(editor.ctx.messages["ask.time"], grains), *_fields(editor, editor.offered.groups(editor.question.metrics))]
    return _label(editor, id_, "by") + _select(id_, name, groups, value)


def _fields(editor: Editor, fields: Sequence[Field]) -> list[tuple[str, list[Pair]]]:
    """Fields under the names of their datasets."""
    found: dict[str, list[Pair]] = {}
    for one in fields:
        dataset = editor.offered.app.semantics.datasets[one.dataset]
        label = dataset.label.in_locale(editor.ctx.locale) or dataset.name
        found.setdefault(label, []).append((one.ref, one.label.in_locale(editor.ctx.locale) or one.name))
    return list(found.items())


def _condition(editor: Editor, own: Filter, id_: str) -> str:
    field = editor.offered.app.semantics.field(own.field)
    label = esc(field.label.in_locale(editor.ctx.locale) or field.name)
    inside = f"<fieldset><legend>{label}</legend>{_hidden([('wf', own.field)])}"
    if own.op == "during":
        return inside + _hidden([("wo", "during")]) + _period(editor, "wv", str(own.values[0]), f"{id_}-v") + "</fieldset>"
    inside += _operator(editor, id_, _ops(field), _LISTS.get(own.op, own.op))
    if field.datatype == "Boolean":
        return inside + _yes_no(editor, id_, str(own.values[0]).lower() if own.values else "") + "</fieldset>"
    given = [str(value) for value in own.values] + [""]
    listed = list_of(field.ref) if field.datatype == "String" else ""
    inputs = [
        _text(editor, f"{id_}-v{place}", "wv", value, listed, "ask.or" if place else "ask.value") for place, value in enumerate(given)
    ]
    return inside + "".join(inputs) + "</fieldset>"


def _ops(field: Field) -> tuple[Operator, ...]:
    return _YES_NO if field.datatype == "Boolean" else _NUMBER_OPS if field.datatype in NUMBERS else _TEXT_OPS


def _operator(editor: Editor, id_: str, ops: Sequence[Operator], chosen: str) -> str:
    words = editor.ctx.messages
    label = f'<label class="sr" for="{id_}-o">{esc(words["ask.operator"])}</label>'
    return label + _select(f"{id_}-o", "wo", [("", [(op, words[f"ask.op.{op}"]) for op in ops])], chosen)


def _yes_no(editor: Editor, id_: str, chosen: str) -> str:
    words = editor.ctx.messages
    label = f'<label class="sr" for="{id_}-v">{esc(words["ask.value"])}</label>'
    return label + _select(f"{id_}-v", "wv", [("", [("true", words["yes"]), ("false", words["no"])])], chosen)


def _period(editor: Editor, name: str, value: str, id_: str) -> str:
    """A field that takes words; what it held before goes with them, for when they are not understood."""
    odd = editor.odd.text if editor.odd is not None and editor.odd.at == id_ else ""
    shown = odd or (period_words(value, editor.ctx.locale, editor.ctx.as_of) if value else "")
    before = _hidden([("was", value), ("at", id_)])
    return before + _text(editor, id_, name, shown, PERIOD_LIST, "ask.period", hint="ask.period.hint", odd=odd)


def _order(editor: Editor, name: str, value: str, id_: str) -> str:
    said, app, locale = phrases(editor.ctx.locale), editor.offered.app, editor.ctx.locale
    columns = [(one, app.semantics.metrics[one].label.in_locale(locale)) for one in editor.question.metrics]
    columns += [(one.name, _dimension_label(editor, one.name)) for one in editor.question.by]
    columns += [("change", said("change"))] if editor.question.compare else []
    choices = [(f"{sign}{column}", said(key, what=label)) for column, label in columns for sign, key in (("-", "desc"), ("", "asc"))]
    return _label(editor, id_, "order") + _select(id_, name, [("", choices)], value)


def _dimension_label(editor: Editor, name: str) -> str:
    one = next(each for each in editor.question.by if each.name == name)
    if not one.field:
        return phrases(editor.ctx.locale)(f"grain.{one.grain}")
    return editor.offered.app.semantics.field(one.field).label.in_locale(editor.ctx.locale) or one.name


def _number(editor: Editor, name: str, value: str, id_: str) -> str:
    control = f'<input id="{id_}" name="{name}" type="number" min="1" max="10000" value="{esc(value)}" inputmode="numeric">'
    return _label(editor, id_, name) + control


def _compare(editor: Editor, name: str, value: str, id_: str) -> str:
    said = phrases(editor.ctx.locale)
    choices = [("previous", said("compare.previous")), ("year_ago", said("compare.year_ago"))]
    if value not in ("", "previous", "year_ago"):
        choices.append((value, said("compare.period", period=period_text(value, editor.ctx.locale))))
    return _label(editor, id_, "compare") + _select(id_, name, [("", choices)], value)


def _show(editor: Editor, name: str, value: str, id_: str) -> str:
    said = phrases(editor.ctx.locale)
    choices = [("", editor.ctx.messages["ask.show.auto"])]
    choices += [(each, said(f"show.{each}")) for each in get_args(Show) if each != "auto"]
    return _label(editor, id_, "show") + _select(id_, name, [("", choices)], value)


def _adding(editor: Editor) -> str:
    """The menu of what is not said yet."""
    words, question = editor.ctx.messages, editor.question
    forms = []
    if question.metrics and len(question.metrics) < METRICS_MAX and not question.ratio:
        forms.append(_add_form(editor, "metric", _metric(editor, "metric", "", "n-metric")))
    if len(question.by) < DIMENSIONS_MAX:
        forms.append(_add_form(editor, "by", _by(editor, "by", "", "n-by")))
    if len(question.where) < CONDITIONS_MAX:
        forms.append(_add_form(editor, "", _new_condition(editor)))
    if not any(one.op == "during" for one in question.where) and question.last is None and question.metrics:
        forms.append(_add_form(editor, "period", _period(editor, "period", "", "n-period")))
    if question.metrics and question.by and not question.order:
        forms.append(_add_form(editor, "order", _order(editor, "order", "", "n-order")))
    if question.by and question.limit is None:
        forms.append(_add_form(editor, "limit", _number(editor, "limit", "10", "n-limit")))
    if question.metrics and not question.compare and any(one.op == "during" for one in question.where):
        forms.append(_add_form(editor, "compare", _compare(editor, "compare", "", "n-compare")))
    if question.metrics and question.by and question.show == "auto":
        forms.append(_add_form(editor, "show", _show(editor, "show", "", "n-show")))
    if not forms:
        return ""
    return (
        f'<li class="chip add"><details name="chip"{_open(editor, "n-period")}>'
        f'<summary><span aria-hidden="true">+ </span>{esc(words["ask.add"])}</summary>'
        f'<div class="menu">{"".join(forms)}</div></details></li>'
    )


def _add_form(editor: Editor, name: str, inside: str) -> str:
    """A form that adds one part, which stands after the others of its name."""
    pairs = editor.pairs
    button = f'<button class="button">{esc(editor.ctx.messages["ask.add"])}</button>'
    return f'<form method="get" action="{esc(editor.action)}">{_hidden(pairs)}{inside}{button}</form>'


def _new_condition(editor: Editor) -> str:
    words = editor.ctx.messages
    fields = _fields(editor, editor.offered.conditions(editor.question.metrics))
    label = f'<label for="n-wf">{esc(words["ask.where"])}</label>'
    ops = _operator(editor, "n-w", ("eq", "ne", "contains", "ge", "le"), "eq")
    return label + _select("n-wf", "wf", fields, "") + ops + _text(editor, "n-wv", "wv", "", "", "ask.value")


def _open(editor: Editor, home: str) -> str:
    """A form that was not understood stands open."""
    return " open" if editor.is_odd(home) else ""


def _text(editor: Editor, id_: str, name: str, value: str, listed: str, label: str, *, hint: str = "", odd: str = "") -> str:
    words = editor.ctx.messages
    source = f' list="{esc(listed)}"' if listed else ""
    told = f'<p class="hint" id="{id_}-h">{esc(words[hint])}</p>' if hint else ""
    wrong = f'<p class="error" id="{id_}-e" role="alert">{esc(words.text("ask.period.odd", text=odd))}</p>' if odd else ""
    ids = " ".join([f"{id_}-e"] * bool(odd) + [f"{id_}-h"] * bool(hint))
    said = (' aria-invalid="true" autofocus' if odd else "") + (f' aria-describedby="{ids}"' if ids else "")
    return (
        f'<label for="{id_}">{esc(words[label])}</label>{wrong}<input id="{id_}" name="{name}" value="{esc(value)}" dir="auto" '
        f'maxlength="200" autocomplete="off"{source}{said}>{told}'
    )


def _label(editor: Editor, id_: str, name: str) -> str:
    return f'<label for="{id_}">{esc(editor.ctx.messages[f"ask.{name}"])}</label>'


def _select(id_: str, name: str, groups: Sequence[tuple[str, Sequence[Pair]]], chosen: str) -> str:
    known = {value for _, choices in groups for value, _ in choices}
    extra = f'<option value="{esc(chosen)}" selected>{esc(chosen)}</option>' if chosen not in known and chosen else ""
    inside = "".join(_group(label, choices, chosen) for label, choices in groups)
    return f'<select id="{id_}" name="{name}">{extra}{inside}</select>'


def _group(label: str, choices: Sequence[Pair], chosen: str) -> str:
    options = "".join(
        f'<option value="{esc(value)}"{" selected" if value == chosen else ""}>{esc(text)}</option>' for value, text in choices
    )
    return f'<optgroup label="{esc(label)}">{options}</optgroup>' if label else options
