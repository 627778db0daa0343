"""The quick first passes over a text say no only where the whole look says no: held against it over texts made of what is looked for."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.screen.calls import KEY, call, user
from tests.unit.screen.test_finders import FOUND, NOT_FOUND

from seawall.model_proxy.call import Call, Whole
from seawall.model_proxy.errors import Screened
from seawall.model_proxy.screen.finds import raw
from seawall.model_proxy.screen.leaks import Watch, prompt_of
from seawall.model_proxy.screen.look import closely, is_quiet, look
from seawall.model_proxy.screen.output import OutputFilter
from seawall.model_proxy.screen.screen import RequestScreen
from seawall.model_proxy.screen.settings import Action, Output, Screening
from seawall.model_proxy.screen.windows import Policy, Window

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----"
PROMPT = "You serve the buyers of the northern region and never talk about supplier bonuses with anybody else at all."
TOLD = [*FOUND, *(found for _, found in FOUND.values()), *NOT_FOUND, PEM, "[EMAIL_AAAAAAAA]"]
ACTIONS: list[Action] = ["off", "pass", "flag", "mask", "refuse"]


def _written(text: str) -> st.SearchStrategy[str]:
    """A text as it is, in other cases, in parts, and with look-alikes and marks between its letters."""
    ways = [text, text.upper(), text.lower(), text.swapcase(), text[: len(text) // 2], text[len(text) // 2 :]]
    ways += [text.replace("a", "а"), text.replace("-", "–"), text.replace(":", "："), text.replace(" ", "\u00a0"), "\u200b".join(text)]
    return st.sampled_from([*ways, f"“{text}”", f"{text}’s"])


RUN = " ".join(PROMPT.split()[3:12])
parts = st.one_of(
    st.sampled_from(TOLD).flatmap(_written),
    st.sampled_from([PROMPT, *PROMPT.split(), RUN]).flatmap(_written),
    st.sampled_from([PROMPT, RUN, PROMPT.replace(" ", ""), "-".join(PROMPT), "[EMAIL_AAAAAAAA]"]),
    st.text(max_size=12),
    st.text(alphabet="aZ09@:-. /eyJAKI", max_size=12),
    st.sampled_from(["\n", " ", ", ", "é", "over"]),
)
texts = st.lists(parts, max_size=6).map("".join)


@settings(max_examples=200)
@given(texts, st.booleans(), st.booleans())
def test_a_look_finds_what_a_close_look_finds(text: str, pii: bool, secrets: bool) -> None:
    """For each that is wanted; and a text that is called quiet is so in every part."""
    plainly = closely(text, raw(text), pii_wanted=pii, secrets_wanted=secrets)
    assert look(text, pii_wanted=pii, secrets_wanted=secrets) == plainly
    assert not (plainly and is_quiet(f"before\n{text}\nafter"))


@settings(max_examples=200)
@given(texts)
def test_what_may_not_be_said_is_watched(text: str) -> None:
    """Whatever a watch finds in a whole text may be in it."""
    prompt = prompt_of({"messages": [{"role": "system", "content": PROMPT}]})
    assert prompt is not None
    assert prompt.may_be_said_by(text) or Watch(prompt).feed(text, final=True) is None


class _WordByWord(Watch):
    def _passes(self, text: str, *, final: bool) -> bool:
        return False


@settings(max_examples=200)
@given(st.lists(st.one_of(texts, st.sampled_from([*(f"{word} " for word in PROMPT.split()), "é", "no", " ", "-"])), max_size=40))
def test_a_watch_reads_at_once_what_it_reads_word_by_word(pieces: list[str]) -> None:
    """Whatever the pieces, each goes out alike."""
    prompt = prompt_of({"messages": [{"role": "system", "content": PROMPT}]})
    assert prompt is not None
    quick, slow = Watch(prompt), _WordByWord(prompt)
    for piece in pieces:
        assert quick.feed(piece) == slow.feed(piece)
    assert quick.feed(PROMPT, final=True) == slow.feed(PROMPT, final=True)


@settings(max_examples=200)
@given(texts, st.sampled_from(ACTIONS), st.sampled_from(ACTIONS), st.sampled_from(ACTIONS), st.booleans())
def test_a_text_that_passes_is_one_a_window_lets_through(text: str, secrets: Action, pii: Action, prompt: Action, masked: bool) -> None:
    """As it came, with nothing to note; whatever the policy."""
    made = call({"role": "system", "content": PROMPT}, user("hi"))
    made.masks = {"[EMAIL_AAAAAAAA]": "jo@x.example"} if masked else {}
    policy = Policy(made, Output(secrets=secrets, pii=pii, prompt=prompt))
    if policy.passes(text):
        window = Window(policy)
        window.text = text
        assert window.end() == (len(text), None)
        assert made.findings == ()


def _slowly(made: Call, output: Output, answer: Whole) -> tuple[Any, tuple[str, ...]]:
    """What becomes of a whole answer read by windows alone."""
    one = OutputFilter(made, output)
    try:
        return [one._choice(choice) for choice in answer.body["choices"]], made.findings
    except Screened as error:
        return str(error), made.findings


def _quickly(made: Call, output: Output, answer: Whole) -> tuple[Any, tuple[str, ...]]:
    try:
        return OutputFilter(made, output).whole(answer).body["choices"], made.findings
    except Screened as error:
        return str(error), made.findings


@settings(max_examples=120)
@given(st.lists(texts, min_size=3, max_size=3), st.sampled_from(ACTIONS), st.sampled_from(ACTIONS), st.sampled_from(ACTIONS))
def test_a_whole_answer_is_what_its_parts_are(said: list[str], secrets: Action, pii: Action, prompt: Action) -> None:
    """In its text, its tools' arguments and whatever else it says."""
    tool = {"id": "1", "type": "function", "function": {"name": "f", "arguments": said[1]}}
    message = {"role": "assistant", "content": said[0], "tool_calls": [tool], "audio": {"id": said[2], "words": [said[2], None, 1]}}
    answer = Whole({"choices": [{"index": 0, "message": message, "logprobs": {"content": []}, "finish_reason": "stop"}]})
    output = Output(secrets=secrets, pii=pii, prompt=prompt)
    asked = [call({"role": "system", "content": PROMPT}, user("hi")) for _ in range(2)]
    assert _quickly(asked[0], output, answer) == _slowly(asked[1], output, answer)


def _outcome(screen: RequestScreen, body: dict[str, Any]) -> tuple[Any, ...]:
    made = call()
    made.body = copy.deepcopy(body)
    try:
        screen.request(made)
    except Screened as error:
        return str(error), made.findings
    return made.body, made.findings, dict(made.masks), made.clean, made.data_class


@settings(max_examples=80)
@given(st.lists(st.tuples(texts, texts, texts), min_size=1, max_size=4), st.sampled_from(ACTIONS), st.sampled_from(ACTIONS))
def test_what_was_screened_before_changes_nothing(said: list[tuple[str, str, str]], secrets: Action, pii: Action) -> None:
    """A screen that has seen an app's texts does what one does that sees them for the first time."""
    policy = Screening(secrets=secrets, pii=pii)
    used = RequestScreen(policy, KEY)
    for system, asked, told in [*said, *said]:
        tools = [{"type": "function", "function": {"name": "f", "description": told}}]
        body = {"messages": [{"role": "system", "content": system}, user(asked)], "tools": tools}
        assert _outcome(used, body) == _outcome(RequestScreen(policy, KEY), body)


def test_what_apps_say_is_remembered_within_bounds() -> None:
    """Neither many texts nor long ones fill the memory."""
    screen = RequestScreen(Screening(), KEY)
    for number in range(3000):
        screen.request(call({"role": "system", "content": f"number {number}"}, user("at 9")))
    screen.request(call({"role": "system", "content": "9 " * 20_000}, user("at 9")))
    assert 0 < len(screen._clean) <= 1024
    assert max(map(len, screen._clean)) < 20
