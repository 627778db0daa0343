"""What a panel's cache entry holds: its inner HTML in two zstd frames, with room between them for the state note.

The note ("updated 4 minutes ago") changes while the fragment does not, so drawing leaves the comment `<!--state-->` where it
belongs and the note is sent as a third, tiny frame between the two: no fragment is ever rendered or compressed again
to tell its age.

How a fragment reaches its place, proved in Chromium 156 with script disabled (`tests/integration/test_ui_streaming.py`):
- `<template for="n">` as a direct child of `<main>` replaces the range `<?start name="n">…<?end>` anywhere inside `<main>`,
  in whatever order templates come, under `script-src 'none'`, also when every piece is a zstd frame of its own.
- A template may bring markers of its own: a table inserted with `<tbody><?marker name="rows-more"></tbody>` is filled by the later
  `<template for="rows-more"><tr>…</tr></template>`; a bare `<tr>` parses well inside a template.
- **A marker is used up by its template.** Every batch of rows but the last therefore ends with a fresh `<?marker name="rows-more">`; a
  template that finds no marker stays in the document, inert and invisible.
"""

from __future__ import annotations

import msgspec

from seawall.ui.frames import frame

STATE_MARK = "<!--state-->"


class Fragment(msgspec.Struct, frozen=True, array_like=True):
    """A drawn panel, compressed."""

    before: bytes
    after: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Fragment)


def fragment_of(html: str) -> Fragment:
    """Split `html` at the state mark (the whole of it stands before when there is none) and compress both parts."""
    before, _, after = html.partition(STATE_MARK)
    return Fragment(before=frame(before), after=frame(after))


def encode(fragment: Fragment) -> bytes:
    """The payload the ladder keeps."""
    return _encoder.encode(fragment)


def decode(payload: bytes) -> Fragment:
    """The fragment in a payload. Raises msgspec.DecodeError when it is not one."""
    return _decoder.decode(payload)
