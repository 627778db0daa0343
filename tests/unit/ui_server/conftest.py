"""A ui server over twins, closed at the end."""

from collections.abc import AsyncIterator

import pytest
from tests.unit.ui_server.sample import House


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    yield made
    await made.ladder.close()


@pytest.fixture
async def write_house() -> AsyncIterator[House]:
    made = House("write")
    yield made
    await made.ladder.close()
