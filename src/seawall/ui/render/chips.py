"""A question as a sentence of chips, each with a small form that changes it and a cross that takes it away; complete without script.

A form holds every other part of the question as hidden fields in their order, so that sending it gives the address of the changed
question. Choices are only what the asker's rights show (`ui/ask/vocabulary.py`).
"""

from __future__ import annotations

from seawall.ask.params import METRICS_MAX, without
from seawall.ask.question import CONDITIONS_MAX, Question
from seawall.ask.sentence import Chip, chips
from seawall.ui.charts.text import esc
from seawall.ui.render import chip_fields as fields
from seawall.ui.render.chip_editor import Editor, Pair

DIMENSIONS_MAX = 4


def chip_list(editor: Editor) -> str:
    """Every part of the question, and what could be added."""
    app, locale = editor.offered.app, editor.ctx.locale
    items = "".join(_chip(editor, one) for one in chips(editor.question, app, locale))
    label = esc(editor.ctx.messages["ask.parts"])
    return f'<ul class="chips" aria-label="{label}">{items}{_adding(editor)}</ul>'


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
        return fields.hidden([*before, *after, ("wp", str(chip.place))]) + fields.condition(editor, own, name)
    control = {
        "metric": fields.metric, "by": fields.group, "period": fields.period, "order": fields.order,
        "limit": fields.number, "last": fields.number, "compare": fields.compared, "show": fields.show,
    }.get(chip.name)  # fmt: skip
    if control is None:
        return ""
    return fields.hidden(before) + control(editor, chip.name, chip.value, name) + fields.hidden(after)


def _around(pairs: list[Pair], name: str, place: int) -> tuple[list[Pair], list[Pair]]:
    at = [index for index, pair in enumerate(pairs) if pair[0] == name][place]
    return pairs[:at], pairs[at + 1 :]


def _adding(editor: Editor) -> str:
    """The menu of what is not said yet."""
    words, question = editor.ctx.messages, editor.question
    forms = []
    if question.metrics and len(question.metrics) < METRICS_MAX and not question.ratio:
        forms.append(_add_form(editor, fields.metric(editor, "metric", "", "n-metric")))
    if len(question.by) < DIMENSIONS_MAX:
        forms.append(_add_form(editor, fields.group(editor, "by", "", "n-by")))
    if len(question.where) < CONDITIONS_MAX:
        forms.append(_add_form(editor, fields.new_condition(editor)))
    if not any(one.op == "during" for one in question.where) and question.last is None and question.metrics:
        forms.append(_add_form(editor, fields.period(editor, "period", "", "n-period")))
    if question.metrics and question.by and not question.order:
        forms.append(_add_form(editor, fields.order(editor, "order", "", "n-order")))
    if question.by and question.limit is None:
        forms.append(_add_form(editor, fields.number(editor, "limit", "10", "n-limit")))
    if question.metrics and not question.compare and _can_be_compared(question):
        forms.append(_add_form(editor, fields.compared(editor, "compare", "", "n-compare")))
    if question.metrics and question.by and question.show == "auto":
        forms.append(_add_form(editor, fields.show(editor, "show", "", "n-show")))
    if not forms:
        return ""
    return (
        f'<li class="chip add"><details name="chip"{_open(editor, "n-period", "n-compare")}>'
        f'<summary><span aria-hidden="true">+ </span>{esc(words["ask.add"])}</summary>'
        f'<div class="menu">{"".join(forms)}</div></details></li>'
    )


def _can_be_compared(question: Question) -> bool:
    """Whether it names a time that another can stand beside."""
    return question.last is not None or any(one.op == "during" for one in question.where)


def _add_form(editor: Editor, inside: str) -> str:
    """A form that adds one part, which stands after the others of its name."""
    button = f'<button class="button">{esc(editor.ctx.messages["ask.add"])}</button>'
    return f'<form method="get" action="{esc(editor.action)}">{fields.hidden(editor.pairs)}{inside}{button}</form>'


def _open(editor: Editor, *homes: str) -> str:
    """A form that was not understood stands open."""
    return " open" if any(editor.is_odd(home) for home in homes) else ""
