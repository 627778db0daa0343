"""On the real vocabulary the semantic cache never takes a question with one thing flipped for the same, and knows most paraphrases.

`SEAWALL_TEST_DATA=1` keeps the prepared data under `.seawall/test-data/` for the next run.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "bench"))

from asking import sharing, stand  # noqa: E402


async def test_no_flip_shares_and_most_paraphrases_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every golden question that may be seen, with each of its flips and paraphrases."""
    kept = ROOT / ".seawall" / "test-data" / "golden" if os.environ.get("SEAWALL_TEST_DATA") else tmp_path
    monkeypatch.setattr(stand, "WAREHOUSE", kept)
    made = await sharing.measure()
    assert made.wrongly_shared == ()
    assert made.collisions == ()
    assert made.false_hits.total >= 300
    assert made.hits.total >= 150
    assert made.hits.low >= 0.9
