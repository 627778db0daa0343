"""The fields of the forms that change a question's parts: one function for each kind of part, each with its label.

Choices are only what the asker's rights show. Everything that people or data wrote is escaped here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from seawall.app.model import Field, Filter, Operator
from seawall.app.names import GRAINS
from seawall.ask.question import Show
from seawall.ask.rows import computed
from seawall.ask.said_period import compared_words, period_words
from seawall.ask.sentence import column_text, phrases
from seawall.ui.ask.vocabulary import NUMBERS
from seawall.ui.charts.text import esc
from seawall.ui.render.chip_editor import Editor, Pair
from seawall.ui.render.chip_lists import COMPARED_LIST, PERIOD_LIST, list_of

_TEXT_OPS: tuple[Operator, ...] = ("eq", "ne", "contains", "starts_with", "is_null", "not_null")
_NUMBER_OPS: tuple[Operator, ...] = ("eq", "ne", "ge", "gt", "le", "lt", "is_null", "not_null")
_YES_NO: tuple[Operator, ...] = ("eq", "is_null", "not_null")
_LISTS: dict[str, str] = {"in": "eq", "not_in": "ne"}


def hidden(pairs: Sequence[Pair]) -> str:
    """Parts that a form sends as they are."""
    return "".join(f'<input type="hidden" name="{esc(name)}" value="{esc(value)}">' for name, value in pairs)


def metric(editor: Editor, name: str, value: str, id_: str) -> str:
    """What is measured."""
    choices = [(one.name, one.label.in_locale(editor.ctx.locale)) for one in editor.offered.metrics]
    return _label(editor, id_, "metric") + _select(id_, name, [("", choices)], value)


def group(editor: Editor, name: str, value: str, id_: str) -> str:
    """What it is told apart by: a grain of time or a field."""
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


def condition(editor: Editor, own: Filter, id_: str) -> str:
    """The values of a condition, and how they are meant."""
    field = editor.offered.app.semantics.field(own.field)
    label = esc(field.label.in_locale(editor.ctx.locale) or field.name)
    inside = f"<fieldset><legend>{label}</legend>{hidden([('wf', own.field)])}"
    if own.op == "during":
        return inside + hidden([("wo", "during")]) + period(editor, "wv", str(own.values[0]), f"{id_}-v") + "</fieldset>"
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


def period(editor: Editor, name: str, value: str, id_: str) -> str:
    """A field that takes words."""
    words = period_words(value, editor.ctx.locale, editor.ctx.as_of) if value else ""
    return _worded(editor, name, value, id_, words, "period", PERIOD_LIST)


def compared(editor: Editor, name: str, value: str, id_: str) -> str:
    """Another time in words, or how far before."""
    words = compared_words(value or "previous", editor.ctx.locale, editor.ctx.as_of)
    return _worded(editor, name, value, id_, words, "compare", COMPARED_LIST)


def _worded(editor: Editor, name: str, value: str, id_: str, words: str, label: str, listed: str) -> str:
    """Time in words; what the field held before goes with them, for when they are not understood."""
    odd = editor.odd.text if editor.odd is not None and editor.odd.at == id_ else ""
    before = hidden([("was", value), ("at", id_)])
    return before + _text(editor, id_, name, odd or words, listed, f"ask.{label}", hint=f"ask.{label}.hint", odd=odd)


def order(editor: Editor, name: str, value: str, id_: str) -> str:
    """Every column of the answer, either way."""
    said, app, locale, question = phrases(editor.ctx.locale), editor.offered.app, editor.ctx.locale, editor.question
    columns = (*question.metrics, *(one.name for one in question.by), *computed(question))
    named = [(column, column_text(column, question, app, locale)) for column in columns]
    choices = [(f"{sign}{column}", said(key, what=label)) for column, label in named for sign, key in (("-", "desc"), ("", "asc"))]
    return _label(editor, id_, "order") + _select(id_, name, [("", choices)], value)


def number(editor: Editor, name: str, value: str, id_: str) -> str:
    """How many."""
    control = f'<input id="{id_}" name="{name}" type="number" min="1" max="10000" value="{esc(value)}" inputmode="numeric">'
    return _label(editor, id_, name) + control


def show(editor: Editor, name: str, value: str, id_: str) -> str:
    """How the answer is drawn."""
    said = phrases(editor.ctx.locale)
    choices = [("", editor.ctx.messages["ask.show.auto"])]
    choices += [(each, said(f"show.{each}")) for each in get_args(Show) if each != "auto"]
    return _label(editor, id_, "show") + _select(id_, name, [("", choices)], value)


def new_condition(editor: Editor) -> str:
    """A field, how its values are meant, and one value."""
    words = editor.ctx.messages
    fields = _fields(editor, editor.offered.conditions(editor.question.metrics))
    label = f'<label for="n-wf">{esc(words["ask.where"])}</label>'
    ops = _operator(editor, "n-w", ("eq", "ne", "contains", "ge", "le"), "eq")
    return label + _select("n-wf", "wf", fields, "") + ops + _text(editor, "n-wv", "wv", "", "", "ask.value")


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
