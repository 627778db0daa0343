"""The stream parser: the same pieces however the bytes are cut, and nothing lost on the way back."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.model_proxy.call import Piece, Usage
from seawall.model_proxy.sse import BadStream, Parser, StreamedError, encode, piece_of, text_piece


def chunk(text: str | None = None, **choice: object) -> bytes:
    delta = {} if text is None else {"content": text}
    return json.dumps({"id": "x", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, **choice}]}).encode()


def all_of(parts: list[bytes]) -> tuple[list[Piece], bool]:
    parser = Parser()
    return [piece for part in parts for piece in parser.feed(part)], parser.done


STREAM = [
    b": hello\n\n",
    b"data: " + chunk("", role="assistant") + b"\n\n",
    b"event: message\nid: 7\ndata: " + chunk("Good") + b"\n\n",
    b'data: {"choices":\ndata: [{"delta": {"content": " d\xc3\xa4y"}}]}\n\n',
    b"data:" + chunk(finish_reason="stop") + b"\n\n",
    b'data: {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}\n\n',
    b"data: [DONE]\n\n",
]


@given(st.sampled_from([b"\n", b"\r\n", b"\r"]), st.sets(st.integers(1, 900)), st.booleans())
def test_any_cut_and_line_ending(ending: bytes, cuts: set[int], mark: bool) -> None:
    """Line endings and cuts change nothing."""
    data = (b"\xef\xbb\xbf" if mark else b"") + b"".join(STREAM).replace(b"\n", ending)
    places = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    pieces, done = all_of([data[start:end] for start, end in pairwise(places)])
    assert "".join(piece.text for piece in pieces) == "Good däy"
    assert [piece.finish for piece in pieces if piece.finish] == ["stop"]
    assert (pieces[-1].usage, done, len(pieces)) == (Usage(3, 2), True, 5)


@pytest.mark.parametrize(
    ("data", "bare"),
    [
        (chunk("a"), True),
        (chunk("a", logprobs=None), True),
        (chunk("a", finish_reason="stop"), False),
        (chunk("a", logprobs={"content": []}), False),
        (b'{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}', False),
        (b'{"choices":[{"index":1,"delta":{"content":"b"}}]}', False),
        (b'{"choices":[{"delta":{"content":"a","refusal":"no"}}]}', False),
        (b'{"choices":[]}', False),
    ],
)
def test_bare(data: bytes, bare: bool) -> None:
    """Only a piece with nothing but text may be held back and merged."""
    assert piece_of(data).bare is bare


def test_tool_arguments() -> None:
    """What tool calls add is told apart from text."""
    data = b'{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\\"a\\""}}]}}]}'
    assert piece_of(data) == Piece(data, "", '{"a"', bare=False)


@pytest.mark.parametrize("data", [b"{", b"[]", b'{"choices": 1}', b'{"choices":[{"delta":{"content":1}}]}', b'{"a":"\xff"}', b"[" * 5000])
def test_malformed(data: bytes) -> None:
    """What is no chunk of a completion cuts the stream."""
    with pytest.raises(BadStream):
        Parser().feed(b"data: " + data + b"\n\n")


@pytest.mark.parametrize(
    ("usage", "read"),
    [
        (b'{"prompt_tokens":7,"completion_tokens":null}', Usage(7, 0)),
        (b'{"prompt_tokens":7.0,"completion_tokens":"9"}', Usage()),
        (b"[1]", None),
    ],
)
def test_a_count_that_cannot_be_read_cuts_nothing(usage: bytes, read: Usage | None) -> None:
    """Nobody's answer ends with an error because a provider counts oddly."""
    [piece] = Parser().feed(b'data: {"choices":[{"delta":{"content":"a"},"finish_reason":"stop"}],"usage":' + usage + b"}\n\n")
    assert (piece.text, piece.finish, piece.usage) == ("a", "stop", read)


def test_error_in_the_stream() -> None:
    """A provider's own error event is one, and its words are not repeated."""
    with pytest.raises(StreamedError) as caught:
        Parser().feed(b'data: {"error": {"message": "sk-secret is out of tokens"}}\n\n')
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("data", [b"data: " + b"x" * (1 << 20) + b"y", b"data: x\n" * 600_000])
def test_bounded(data: bytes) -> None:
    """An event without an end is refused."""
    with pytest.raises(BadStream):
        Parser().feed(data)


def test_after_done() -> None:
    """Nothing after `[DONE]` is taken for an answer."""
    assert all_of([b"data: [DONE]\n\ndata: {\n\n"]) == ([], True)


@given(st.text(max_size=50))
def test_back_again(text: str) -> None:
    """A piece made of other text reads as that text, also when its JSON has line breaks."""
    made = text_piece(piece_of(chunk("before")), text)
    spread = Piece(json.dumps(json.loads(made.data), indent=1).encode())
    assert all_of([encode(made), encode(spread)])[0][0].text == text
    assert [piece.text for piece in all_of([encode(spread)])[0]] == [text]
