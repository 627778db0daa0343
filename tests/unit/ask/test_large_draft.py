"""What a model writes becomes a question, or a sentence that says what is wrong with it."""

from __future__ import annotations

import msgspec
import pytest
from tests.unit.query.star import app

from seawall.app.model import Filter, Order
from seawall.ask.large_draft import Condition, Draft, Words, draft_of, read_draft, schema_of, settled, written
from seawall.ask.question import Question, by_field, by_time, during
from seawall.core.errors import InvalidInput, NotFound
from seawall.core.schemas.compiled import compiled
from seawall.query.policy import unrestricted

APP = app()
ALL = unrestricted(APP)
WORDS = Words(("revenue", "units"), ("products.department", "stores.store_group"))


def value_of(ref: str, text: str) -> str | None:
    """What the data holds, whatever its letters."""
    return {"grocery": "GROCERY", "deli": "DELI", "north": "north"}.get(text.casefold())


QUESTIONS = (
    Question(("revenue",), (by_time("week"),), (Filter("products.department", "eq", ("GROCERY",)),), last=8),
    Question(("units",), (by_field("products.department"),), (during("2017-03"),), (Order("units", descending=True),), 5),
    Question(("revenue",), (), (Filter("products.department", "not_in", ("GROCERY", "DELI")), during("last_1_month")), compare="previous"),
)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_written_as_a_draft_is_read_as_the_same_question(question: Question) -> None:
    """Examples in a prompt show exactly what would be right; and the schema lets them through."""
    text = written(draft_of(question))
    made = settled(read_draft(f"Here you are: {text}"), APP, ALL, value_of)
    assert made is not None
    assert made.canonical() == question.canonical()
    assert compiled(schema_of(WORDS)).is_valid(msgspec.json.decode(text))


def test_labels_other_letters_and_bare_names_are_mended() -> None:
    """A weak model's slips that leave no doubt."""
    draft = Draft(True, ("Revenue", "revenue"), ("Weekly", "store_group"), (Condition("department", "in", ("grocery",)),), limit=3)
    made = settled(draft, APP, ALL, value_of)
    assert made is not None
    assert made.metrics == ("revenue",)
    assert made.where == (Filter("products.department", "eq", ("GROCERY",)),)
    assert [one.name for one in made.by] == ["week", "store_group"]
    assert made.order == (Order("revenue", descending=True),)


@pytest.mark.parametrize(
    ("draft", "said"),
    [
        (Draft(True, ("profit",)), "profit"),
        (Draft(True, ("revenue",), ("planet",)), "planet"),
        (Draft(True, ("revenue",), (), (Condition("products.department", "=", ("Unicorns",)),)), "Unicorns"),
        (Draft(True, ("revenue",), (), (), "sometime"), "period"),
    ],
)
def test_what_cannot_be_mended_is_said_so_that_it_can_be_repaired(draft: Draft, said: str) -> None:
    """The sentence goes back to the model."""
    with pytest.raises((InvalidInput, NotFound)) as error:
        settled(draft, APP, ALL, value_of)
    assert said in f"{error.value} {error.value.detail}"


def test_a_model_may_say_that_there_is_no_answer() -> None:
    """An honest refusal is a good answer."""
    assert settled(read_draft('{"answerable": false, "metrics": []}'), APP, ALL, value_of) is None


def test_prose_is_not_a_query() -> None:
    """Nothing is guessed from it."""
    with pytest.raises(InvalidInput):
        read_draft("I think you want the revenue.")
