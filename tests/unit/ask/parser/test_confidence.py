"""What makes a reading doubtful: nothing in plain questions, and each doubt where there is cause for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from seawall.ask.calibration import Calibration
from seawall.ask.confidence import TELLING
from seawall.ask.question import Question, by_field, during
from seawall.ask.reading import Reading

Read = Callable[..., Awaitable[Reading]]
BEFORE = Question(("takings",), (by_field("stations.borough"),), (during("2023-05"),))


async def test_every_doubt_is_a_share(read: Read) -> None:
    """From none to all; and all that confidence is fitted on are there."""
    features = (await read("takings by borough in May 2023")).features
    assert features.keys() >= TELLING
    assert all(0 <= value <= 1 for value in features.values())


async def test_a_plain_question_raises_none(read: Read) -> None:
    """Every word of it means something, and there is a time."""
    features = (await read("takings by borough in May 2023")).features
    assert {name for name in TELLING if features[name] > 0.2} == set()


@pytest.mark.parametrize(
    ("doubt", "text", "plain"),
    [
        ("thin", "please could you tell me what our takings were in May 2023", "takings in May 2023"),
        ("undated", "takings by borough", "takings by borough in May 2023"),
    ],
)
async def test_each_doubt_has_its_cause(read: Read, doubt: str, text: str, plain: str) -> None:
    """Words that say nothing, no time."""
    doubtful, sure = await read(text), await read(plain)
    assert doubtful.features[doubt] > sure.features[doubt]


async def test_a_new_question_after_another_is_doubtful(read: Read) -> None:
    """Whoever asks by and by mostly goes on; who asks first does not."""
    asked = "trips by rider"
    assert (await read(asked)).features["afresh"] == 0
    assert (await read(asked, before=BEFORE)).features["afresh"] == 1
    assert (await read("only the Docks", before=BEFORE)).features["afresh"] == 0


async def test_what_is_not_fitted_weighs_nothing(read: Read) -> None:
    """Features of other fits, and more of them, do no harm."""
    features = (await read("takings")).features
    assert Calibration({}, 1.0, 0.5).probability(features) == Calibration({}, 1.0, 0.5).probability({})
