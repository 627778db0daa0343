"""The style sheet keeps its promises: contrast in both themes, room for every label, nothing only by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import seawall.ui
from seawall.ui.charts.plot import PADDING_MAX, PADDING_STEP
from seawall.ui.gallery import write

CSS = (Path(seawall.ui.__file__).parent / "static" / "seawall.css").read_text()
LIGHT = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", CSS.split("@media")[0]))
DARK_BY_CHOICE = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", CSS.split(':root[data-theme="dark"]')[1].split("}")[0]))
DARK_BY_SYSTEM = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", CSS.split("prefers-color-scheme: dark")[1].split("} }")[0]))
TEXT = ["ink", "ink-2", "ink-3", "accent", "good", "bad", "error", *(f"t{index}" for index in range(9)), "tx"]
MARKS = [*(f"c{index}" for index in range(9)), "cx"]


def luminance(color):
    parts = [int(color[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """WCAG 2.2's ratio, 1 to 21."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK_BY_CHOICE], ids=["light", "dark"])
def test_contrast(theme):
    """Text 4.5:1 on panels and on the ground, marks 3:1 on panels."""
    for name in TEXT:
        assert contrast(theme[name], theme["surface"]) >= 4.5, name
    for name in ("ink", "ink-2", "ink-3", "accent"):
        assert contrast(theme[name], theme["ground"]) >= 4.5, name
    for name in MARKS:
        assert contrast(theme[name], theme["surface"]) >= 3, name
    assert contrast(theme["warn"], theme["warn-soft"]) >= 4.5
    assert contrast(theme["accent-ink"], theme["accent"]) >= 4.5


def test_both_ways_to_the_dark_are_the_same():
    """Dark by the system's wish and dark by choice have the same tokens."""
    assert DARK_BY_CHOICE == DARK_BY_SYSTEM
    assert set(DARK_BY_CHOICE) <= set(LIGHT)


def test_every_padding_class_exists():
    """Whatever room a chart asks for, there is a class that gives it."""
    for letter, largest in PADDING_MAX.items():
        for width in range(0, largest + 1, PADDING_STEP):
            assert f".{letter}{width} {{" in CSS


def test_every_body_height_exists():
    """States that stand in for a body keep its height."""
    assert all(f".h{height} {{" in CSS for height in range(40, 601, 20))


def test_motion_is_optional_and_short():
    """Reduced motion stops everything; no transition is longer than 150 ms."""
    assert "prefers-reduced-motion: reduce" in CSS
    assert "--fast: 120ms" in CSS


def test_the_gallery_is_written(tmp_path):
    """Every mark and state is drawn in both languages, without one inline style or script."""
    pages = write(tmp_path)
    assert len(pages) == 6
    for page in pages:
        html = page.read_text()
        assert not re.search(r"<style|\sstyle=|<script|\son\w+=", html)
