"""A page's document cut at its panels, so that everybody's page can be joined of the same frames."""

from __future__ import annotations

import re

import msgspec

from seawall.ui.drawing import FILTERS_MARK
from seawall.ui.frames import frame
from seawall.ui.render.page import FIRST_ROW_MARK, STYLE_MARK

_RANGE = re.compile(r'<\?start name="([\w-]+)">(.*?)<\?end>', re.DOTALL)


class Cut(msgspec.Struct, frozen=True):
    """A document cut at its panels. The pieces joined, with a skeleton or a fragment in each slot, are the document."""

    head: tuple[bytes, ...]
    """Up to the filters, whose choices may still have to be looked up."""
    head_streamed: tuple[bytes, ...]
    """The same with the script that puts late panels in place where browsers do not."""
    head_refreshing: tuple[bytes, ...]
    """And for a browser that may have neither script nor `<template for>`: without script it goes on to the in-order page."""
    body: bytes
    """From the filters to the first slot."""
    names: tuple[str, ...]
    skeletons: tuple[bytes, ...]
    follows: tuple[bytes, ...]
    """What stands after each slot; after the first row the parser waits for a script, and what is there is painted meanwhile."""
    follows_early: tuple[bytes, ...]
    """The same without that pause, for a page whose first row is not there yet."""
    pause: bytes
    """Where such a page waits instead: between its filters and its skeletons. Empty on a page of one row."""
    close: bytes


def cut_at_panels(opened: str, others: tuple[str, str], closed: str, style: bytes, pause: str) -> Cut:
    """Cut a drawn document at its style sheet (the frame `style`), its filters and each `<?start name="panel">skeleton<?end>`.

    Of the `others`, streamed and refreshing, only the heads are different.
    """
    head, _, rest = opened.partition(FILTERS_MARK)
    pieces = _RANGE.split(rest)  # text, name, skeleton, text, name, skeleton, …, text
    names = tuple(pieces[1::3])
    return Cut(
        head=_styled(head, style),
        head_streamed=_styled(others[0].partition(FILTERS_MARK)[0], style),
        head_refreshing=_styled(others[1].partition(FILTERS_MARK)[0], style),
        body=frame(pieces[0]),
        names=names,
        skeletons=tuple(frame(f'<?start name="{name}">{skeleton}<?end>') for name, skeleton in zip(names, pieces[2::3], strict=True)),
        follows=tuple(frame(text.replace(FIRST_ROW_MARK, pause)) for text in pieces[3::3]),
        follows_early=tuple(frame(text.replace(FIRST_ROW_MARK, "")) for text in pieces[3::3]),
        pause=frame(pause if FIRST_ROW_MARK in rest else ""),
        close=frame(closed),
    )


def _styled(head: str, style: bytes) -> tuple[bytes, ...]:
    """The head in frames; all plans share the one of the style sheet."""
    before, _, after = head.partition(STYLE_MARK)
    return frame(before), style, frame(after)
