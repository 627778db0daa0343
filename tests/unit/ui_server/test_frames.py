"""Frames that join, and fragments with room for a note."""

import zstandard
from hypothesis import given
from hypothesis import strategies as st

from seawall.ui.fragments import decode, encode, fragment_of
from seawall.ui.frames import frame, join, piece, unframe


@given(st.lists(st.text(max_size=50), min_size=1, max_size=6))
def test_joined_frames_decode_to_joined_text(parts: list[str]) -> None:
    """A page is a join of frames: one decoder reads them all as one body."""
    body = join([frame(part) for part in parts], zstd=True)
    reader = zstandard.ZstdDecompressor().stream_reader(body, read_across_frames=True)
    assert reader.read() == "".join(parts).encode()
    assert join([b"", *(frame(part) for part in parts), b""], zstd=False) == "".join(parts).encode()


@given(st.text(max_size=80), st.text(max_size=80))
def test_a_fragment_leaves_room_for_its_note(before: str, after: str) -> None:
    """The note goes where drawing left its mark, without drawing or compressing again."""
    fragment = decode(encode(fragment_of(f"{before}<!--state-->{after}")))
    html = unframe(fragment.before) + piece("NOTE", zstd=False) + unframe(fragment.after)
    assert html.decode() == f"{before}<!--state-->{after}".replace("<!--state-->", "NOTE", 1)
