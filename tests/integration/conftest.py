"""What suites of jobs and of preparation share: a slice of the real data, made once, and a queue."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from procrastinate import App
from tests.integration.preparation_slice import slice_of_year

from seawall.workers.preparation.plan import Preparation
from seawall.workers.queue import open_queue


@pytest.fixture(scope="session")
def sliced(tmp_path_factory: pytest.TempPathFactory) -> Preparation:
    """The preparation of the reference app over the slice."""
    return slice_of_year(tmp_path_factory.mktemp("sources"))


@pytest.fixture
async def queue(database_url: str) -> AsyncIterator[App]:
    """The queue of jobs, open."""
    async with open_queue(database_url) as made:
        yield made
