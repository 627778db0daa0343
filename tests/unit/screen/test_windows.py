"""What a stream releases is the same however it is cut, and nothing that is to be hidden goes out first."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.screen.calls import KEY, arguments, call, complex_piece, content, piece, screened, user

from seawall.model_proxy.call import Piece, Whole
from seawall.model_proxy.errors import Screened
from seawall.model_proxy.screen.output import OutputFilter
from seawall.model_proxy.screen.screen import RequestScreen
from seawall.model_proxy.screen.settings import Output, Screening

MASKING = Output(secrets="mask", pii="mask", prompt="off", window=128)
FRAGMENTS = [
    "hello", "dear", "reader", "Store", "12", "password", "is", "hunter2Xy9!", ":", "=", "api", "key", "jo@x.example",
    "4111", "1111", "DE89", "3704", "0044",
    "0532", "0130", "00",
    "GB29", "NWBK", "+49", "170", "1234567", "sk-abcdEFGH1234567890abcd", "AKIAIOSFODNN7EXAMPLE", "(212)",
    "555-0187", "[x]", "über",
    "忽略", "{", '"', ",", "x" * 150, "1 " * 90, "eyJhbGciOi.eyJzdWIiOiIx.sig" + "a" * 200, "-----BEGIN", "PRIVATE", "KEY-----", "MIIEow",
]  # fmt: skip
texts = st.lists(st.tuples(st.sampled_from(FRAGMENTS), st.sampled_from([" ", " ", "\n", "", ": ", "  "])), max_size=14).map(
    lambda parts: "".join(one + gap for one, gap in parts)
)


def streamed(output: Output, pieces: list[Piece], *messages: dict[str, object], **body: object) -> list[Piece]:
    one = OutputFilter(call(*messages, **body), output)
    return [out for each in pieces for out in one.piece(each)] + list(one.end())


def cut(text: str, places: list[int]) -> list[Piece]:
    edges = sorted({0, len(text), *(place % (len(text) + 1) for place in places)})
    return [piece(text[start:end]) for start, end in pairwise(edges)]


@settings(max_examples=150, deadline=None)
@given(texts, st.lists(st.integers(min_value=0, max_value=10_000), max_size=40))
def test_the_outcome_is_the_same_however_the_text_is_cut(text: str, places: list[int]) -> None:
    """In one piece, in characters, or anything between."""
    whole = content(streamed(MASKING, [piece(text)]))
    assert content(streamed(MASKING, cut(text, places))) == whole
    assert content(streamed(MASKING, [piece(one) for one in text])) == whole


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="abc \n", max_size=400), st.lists(st.integers(min_value=0, max_value=10_000), max_size=40))
def test_ordinary_pieces_go_on_as_they_came(text: str, places: list[int]) -> None:
    """Byte for byte, in order, none lost."""
    pieces = cut(text, places)
    assert streamed(MASKING, pieces) == pieces


@settings(max_examples=100, deadline=None)
@given(texts)
def test_no_more_than_the_window_is_held_back(text: str) -> None:
    """At any moment, counted in characters."""
    one = OutputFilter(call(), Output(secrets="flag", pii="flag", prompt="off", window=128))
    released = 0
    for at, character in enumerate(text):
        released += sum(len(out.text) for out in one.piece(piece(character)))
        assert at + 1 - released <= 128 + 1


def test_a_key_split_over_pieces_is_masked() -> None:
    """None of its pieces is seen."""
    parts = ["The key", " is sk-", "abcdEFGH1234", "567890abcdEFGH", ", keep", " it safe", " please."]
    assert content(streamed(MASKING, [piece(one) for one in parts])) == "The key is [openai-key], keep it safe please."


@pytest.mark.parametrize("before", range(100, 132))
def test_a_finding_over_a_border_where_a_stream_had_to_be_cut_is_masked(before: int) -> None:
    """Text without a safe place goes on when the window is full; what stood at its end is looked at again, and is put back again."""
    made = screened(Screening(pii="mask"), user("mail jo@x.example"))
    (email,) = made.masks
    one = OutputFilter(made, MASKING)
    text = "7+" * (before // 2) + "7" * (before % 2) + "/AKIAIOSFODNN7EXAMPLE/" + "7+" * (before // 2) + email + "7+" * 90
    out = content([released for character in text for released in one.piece(piece(character))] + list(one.end()))
    assert ("AKIA" in out, "[aws-key]" in out, "EMAIL_" in out, "jo@x.example" in out) == (False, True, False, True)


def test_a_refused_secret_cuts_the_stream_before_it_is_seen() -> None:
    """The error names the rule and not the secret."""
    one = OutputFilter(call(), Output(secrets="refuse"))
    released = [*one.piece(piece("so it is ")), *one.piece(piece("AKIAIOSFODN")), *one.piece(piece("N7EXAMPLE"))]
    with pytest.raises(Screened, match=r"output\.secret\.aws-key") as error:
        one.end()
    assert "AKIA" not in content(released)
    assert "AKIA" not in str(error.value)


def test_a_private_key_longer_than_the_window_is_dropped_to_its_end() -> None:
    """Its body is never held nor released."""
    key = "-----BEGIN PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEA1234567890abcdef\n" * 60 + "-----END PRIVATE KEY-----"
    out = content(streamed(MASKING, [piece(one) for one in f"Here it is: {key} and that was all of it."]))
    assert out == "Here it is: [private-key] and that was all of it."


def test_the_system_prompt_said_again_is_noticed() -> None:
    """Word for word, though in pieces."""
    secret = "You serve the buyers of the northern region and never talk about supplier bonuses with anybody else."
    asked = call({"role": "system", "content": secret}, user("hi"))
    one = OutputFilter(asked, Output(prompt="refuse"))
    with pytest.raises(Screened, match=r"output\.prompt"):
        [one.piece(piece(word + " ")) for word in f"My prompt: {secret}".split(" ")]
    assert asked.findings == ("output.prompt",)


PROMPT = "You serve the buyers of the northern region and never talk about supplier bonuses with anybody else at all."
SPOKEN = PROMPT.rstrip(".").lower().split()
RUNS = [" ".join(SPOKEN[at : at + 8]) for at in range(len(SPOKEN) - 7)]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(min_value=0, max_value=10_000), max_size=40), st.sampled_from(["", "Sure! ", "It says: you serve the "]))
def test_no_eight_words_of_the_system_prompt_go_out(places: list[int], before: str) -> None:
    """Refused or masked, in whatever pieces the answer comes; with masks the outcome is the same."""
    text = f"{before}{PROMPT.upper()} That is all."
    masked = content(streamed(Output(prompt="mask"), cut(text, places), {"role": "system", "content": PROMPT}))
    assert not any(run in masked.lower() for run in RUNS)
    assert masked == content(streamed(Output(prompt="mask"), [piece(text)], {"role": "system", "content": PROMPT}))
    released, refused = until_refused(cut(text, places))
    assert refused
    assert not any(run in released.lower() for run in RUNS)


def until_refused(pieces: list[Piece]) -> tuple[str, bool]:
    one, released = OutputFilter(call({"role": "system", "content": PROMPT}), Output(prompt="refuse")), ""
    try:
        for each in pieces:
            released += content(list(one.piece(each)))
        one.end()
    except Screened:
        return released, True
    return released, False


def test_the_words_of_a_prompt_in_another_order_pass() -> None:
    """As do seven in a row."""
    asked = {"role": "system", "content": PROMPT}
    text = "I serve the buyers of the northern region; bonuses of a supplier never matter to the buyers or anybody else."
    assert content(streamed(Output(prompt="refuse"), [piece(one) for one in text], asked)) == text


def test_tool_arguments_are_screened_in_pieces() -> None:
    """Each tool call by itself; what was held comes with the finish reason."""
    parts = ['{"to": "jo@', 'x.example", "n', '": 1}']
    pieces = [complex_piece({"tool_calls": [{"index": 0, "function": {"arguments": one}}]}) for one in parts]
    out = streamed(MASKING, [*pieces, complex_piece({}, "tool_calls")])
    assert arguments(out) == '{"to": "[email]", "n": 1}'


def test_text_of_every_choice_is_screened() -> None:
    """Also where choices come interleaved."""
    pieces = [complex_piece({"content": part}, index=index) for part in ("mail jo@x", ".example now") for index in (0, 1)]
    out = streamed(MASKING, [*pieces, complex_piece({}, "stop", 0), complex_piece({}, "stop", 1)])
    assert content(out, 0) == content(out, 1) == "mail [email] now"


def test_a_whole_answer_is_screened_like_a_stream() -> None:
    """Content and arguments; an answer nothing is found in is the same object."""
    one = OutputFilter(call(), MASKING)
    calls = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": "jo@x.example"}'}}]
    answer = Whole({"choices": [{"index": 0, "message": {"content": "to jo@x.example", "tool_calls": calls}}]})
    message = one.whole(answer).body["choices"][0]["message"]
    assert (message["content"], message["tool_calls"][0]["function"]["arguments"]) == ("to [email]", '{"a": "[email]"}')
    plain = Whole({"choices": [{"index": 0, "message": {"content": "nothing here"}}]})
    assert one.whole(plain) is plain


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(min_value=0, max_value=10_000), max_size=40))
def test_masked_values_come_back_however_the_answer_is_cut(places: list[int]) -> None:
    """In text and in a tool call's arguments, where quotes are escaped; made-up placeholders stay."""
    made = screened(Screening(pii="mask", secrets="mask"), user("mail jo@x.example, card 4111111111111111"))
    email, card = made.masks
    text = f"Dear {email}, your {card} and [EMAIL_AAAAAAAA] ({email})."
    one = RequestScreen(Screening(pii="mask"), KEY).output(made)
    assert one is not None
    out = [out for each in cut(text, places) for out in one.piece(each)] + list(one.end())
    assert content(out) == "Dear jo@x.example, your 4111111111111111 and [EMAIL_AAAAAAAA] (jo@x.example)."
