"""A long text is read in slices, beside the event loop, and what is found in it is what would be found at once."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.model_proxy.test_pipeline import TOKENS, Parts, ask
from tests.unit.screen.test_windows import FRAGMENTS

from seawall.model_proxy.answer import AT_ONCE_BYTES_MAX
from seawall.model_proxy.app import ModelProxy, refusal
from seawall.model_proxy.cache.exact import ExactCache
from seawall.model_proxy.call import Call, Target, Usage, Whole
from seawall.model_proxy.edge import Server
from seawall.model_proxy.identify import Identifier
from seawall.model_proxy.models import DEFAULT_MODELS
from seawall.model_proxy.pipeline import Pipeline, Stages
from seawall.model_proxy.screen import leaks, look, slices
from seawall.model_proxy.screen.finds import Found
from seawall.model_proxy.screen.output import OutputFilter
from seawall.model_proxy.screen.settings import Output
from seawall.model_proxy.stages import AnswerSink

KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow,IBAAK[CAQEA12;34567890abcdef\n-----END RSA PRIVATE KEY-----"
MORE = [
    KEY, "-----BEGIN PRIVATE KEY-----", "fe80::1ff:fe23:4567:890a", "2001:db8:85a3:8d3:1319:8a2e:370:7348", "secret =>", "1234-abcd!x",
    "a1", ",", "[", "]", "passwort ist", "plain words of prose", ".", "4111 1111 1111 1111", "192.168.7.13", "192.0.2.1,",
    "quite calm words", "03/04/2024", "030 12345", "\t", ";",
]  # fmt: skip
texts = st.lists(st.tuples(st.sampled_from([*FRAGMENTS, *MORE]), st.sampled_from([" ", " ", "\n", "", ": ", ", "])), max_size=40).map(
    lambda parts: "".join(one + gap for one, gap in parts)
)
PROMPT = "You serve the buyers of the northern region and never talk about supplier bonuses with anybody else at all."
SPELLED = "-".join(PROMPT)
said = st.lists(
    st.sampled_from(
        [
            *PROMPT.split(),
            PROMPT,
            PROMPT[10:],
            PROMPT.replace(" ", ""),
            "-".join(PROMPT),
            "-".join(PROMPT)[20:],
            "für",
            "alle",
            ".",
            "—",
            "zebra",
            "   ",
            "\n",
        ]
    ),
    max_size=60,
).map(" ".join)


@contextmanager
def short(length: int) -> Iterator[None]:
    """As if slices were so short; what is longer is a long text."""
    kept = [
        (module, name, getattr(module, name))
        for module in (look, leaks, slices)
        for name in ("LONG", "SLICE", "_REACH")
        if hasattr(module, name)
    ]
    for module, name, _ in kept:
        setattr(module, name, {"LONG": length + 1, "SLICE": length, "_REACH": length // 3}[name])
    try:
        yield
    finally:
        for module, name, value in kept:
            setattr(module, name, value)


def looked(text: str) -> list[Found]:
    return look.look(text, pii_wanted=True, secrets_wanted=True)


@settings(max_examples=150)
@given(texts, st.integers(7, 120))
def test_the_same_is_found_at_the_borders_of_slices(text: str, length: int) -> None:
    """Personal data and secrets, whatever stands around them."""
    whole, quiet = looked(text), look.is_quiet(text)
    with short(length):
        assert looked(text) == whole
        assert look.is_quiet(text) == quiet


@settings(max_examples=150)
@given(said, st.integers(7, 120))
def test_the_system_prompt_is_noticed_over_the_borders_of_slices(text: str, length: int) -> None:
    """The same words are taken out, and what is quickly passed is nothing that is noticed."""
    prompt = leaks.Prompt(PROMPT)
    whole, may = prompt.watch().feed(text, final=True), prompt.may_be_said_by(text)
    with short(length):
        assert leaks.Prompt(PROMPT).watch().feed(text, final=True) == whole
        assert leaks.Prompt(PROMPT).may_be_said_by(text) == may


@given(texts, st.integers(1, 60))
def test_slices_are_the_whole_text(text: str, length: int) -> None:
    """In order, none missing, none twice, and no private key in two."""
    with short(length):
        for cut in (list(slices.slices(text, look.secrets.private_keys(text))), list(slices.between_words(text))):
            assert "".join(text[start:end] for start, end in cut) == text


@given(texts, texts, st.integers(7, 60))
def test_no_slice_ends_within_a_private_key(before: str, after: str, length: int) -> None:
    """Half of one is none."""
    text = f"{before}\n{KEY}\n{after}"
    with short(length):
        keys = look.secrets.private_keys(text)
        assert not [end for _, end in slices.slices(text, keys) for start, stop in keys if start < end < stop]


class Long(Parts):
    """Answers with a long text, with a task or without."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.threads: list[str] = []

    async def call(self, call: Call, targets: Sequence[Target], answer: AnswerSink) -> None:
        message = {"role": "assistant", "content": self.text}
        body = {"id": "c", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
        answer.whole(Whole(body, Usage(3, 2), 200, len(self.text)))

    def start(
        self, call: Call, targets: Sequence[Target], answer: AnswerSink, done: Callable[[Exception | None], None]
    ) -> Callable[[], None]:
        task = asyncio.get_running_loop().create_task(self.call(call, targets, answer))
        task.add_done_callback(lambda task: done(task.exception()))  # type: ignore[arg-type]  # no exit of the process
        return lambda: None

    def output(self, call: Call) -> Any:
        one, seen = OutputFilter(call, self.policy), self.threads

        class Noted:
            def whole(self, answer: Whole) -> Whole:
                seen.append(threading.current_thread().name)
                return one.whole(answer)

        return Noted()

    policy = Output(secrets="refuse", pii="mask")


async def asked(parts: Long, tmp_path: Path, *, at_once: bool = False, **body: Any) -> httpx.Response:
    """The answer of a proxy with these parts."""
    stages = Stages(
        identify=parts, screen=parts, cache=ExactCache(), route=parts, caller=parts, start=parts.start if at_once else None, record=parts
    )
    server = Server(ModelProxy(Identifier(TOKENS, None), DEFAULT_MODELS, Pipeline(stages)).handle, refusal)
    await server.listen(tmp_path / "p.sock")
    try:
        async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=str(tmp_path / "p.sock")), base_url="http://proxy") as client:
            return await ask(client, **body)
    finally:
        await server.drain(1)


PROSE = "The towels are soft, and sold in all stores of the region. "
LONG = PROSE * (AT_ONCE_BYTES_MAX // len(PROSE)) + "Write to jo@x.example! " + PROSE * 9


@pytest.mark.parametrize("heat", [0, 1])
@pytest.mark.parametrize("at_once", [False, True])
async def test_a_long_answer_is_screened_in_a_thread(tmp_path: Path, heat: int, at_once: bool) -> None:
    """Masked all the same, kept or not, then recorded as every answer."""
    parts = Long(LONG)
    answer = await asked(parts, tmp_path, at_once=at_once, temperature=heat)
    assert answer.json()["choices"][0]["message"]["content"] == LONG.replace("jo@x.example", "[email]")
    assert [name[:7] for name in parts.threads] == ["answers"]
    assert parts.recorded[0][1] is not None


@pytest.mark.parametrize("heat", [0, 1])
@pytest.mark.parametrize("at_once", [False, True])
async def test_a_long_answer_with_a_secret_is_refused(tmp_path: Path, heat: int, at_once: bool) -> None:
    """As a short one is."""
    answer = await asked(Long(LONG + "AKIAIOSFODNN7EXAMPLE"), tmp_path, at_once=at_once, temperature=heat)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "content_policy_violation")


async def test_a_short_answer_is_screened_at_once(tmp_path: Path) -> None:
    """A thread would cost more than the look."""
    parts = Long(PROSE)
    assert (await asked(parts, tmp_path)).status_code == 200
    assert parts.threads == [threading.current_thread().name]


UNCUT = [
    "sk-" + "aB3" * 9, "eyJhbGciOiJI.eyJzdWIiOiIx.c2ln", "jo@x.example", "4111111111111111", "AKIAIOSFODNN7EXAMPLE", "aB3" * 40, "Q", "/",
    "GB82WEST12345698765432", "==", "192.168.7.13/", "secret=aB3dE5fG7hI9", "https://jo:aB3dE5fG@x/", "0",
]  # fmt: skip
uncut = st.lists(st.sampled_from(UNCUT), max_size=60).map("+".join)


@settings(max_examples=300, deadline=None)
@given(uncut, st.integers(0, 300))
def test_a_stretch_without_a_place_to_cut_is_read_through_windows(text: str, shift: int) -> None:
    """What is found is what is found at once."""
    text = "Q+" * shift + text
    whole = looked(text)
    with windowed():
        assert looked(text) == whole


def test_what_stands_far_behind_a_value_says_nothing_of_it() -> None:
    """The window in which a value begins need not hold its end: neither excuses it by a word there."""
    text = "+".join(["Q" * 414, "secret=aB3dE5fG7hI9", *["sk-" + "aB3" * 9] * 8, "AKIAIOSFODNN7EXAMPLE"])
    assert looked(text) == [Found("secret.assigned", 422, len(text))]
    with windowed():
        assert looked(text) == [Found("secret.assigned", 422, len(text))]


@contextmanager
def windowed() -> Iterator[None]:
    """As if long texts were short, and windows on them, too."""
    small = {(look, "LONG"): 301, (look, "SLICE"): 300, (slices, "SLICE"): 300, (slices, "_REACH"): 50}
    small |= {(look, "STRETCH"): 60, (look, "BEFORE"): 30, (slices, "WINDOW"): 700, (slices, "OVERLAP"): 440}
    kept = {(module, name): getattr(module, name) for module, name in small}
    for (module, name), value in small.items():
        setattr(module, name, value)
    try:
        yield
    finally:
        for (module, name), value in kept.items():
            setattr(module, name, value)


@pytest.mark.parametrize(
    ("begin", "rest"), [("sk-", "aB3"), ("eyJhbGciOiJIUzI1.", "aB3"), ("secret=", "aB3dE5fG7$"), ("-----BEGIN PRIVATE KEY-----", "aB3+")]
)
def test_a_secret_of_many_windows_is_one(begin: str, rest: str) -> None:
    """Whatever goes on is followed to its end, and what comes after it is found."""
    text = "Q+" * 40_000 + begin + rest * 60_000 + '"' + "Q+" * 40_000 + "jo@x.example"
    if "KEY" in begin:
        text = text.replace('"', "-----END PRIVATE KEY-----")
    first, *more = looked(text)
    assert text[first.start : first.end].strip("-").endswith((rest, "KEY"))
    assert (first.end - first.start >= len(rest) * 60_000, [one.id for one in more]) == (True, ["pii.email"])


def test_a_token_whose_head_ends_behind_its_window_is_found() -> None:
    """The window after that holds all of it, though it begins where the one before had the say."""
    text = "Q/" * 19_600 + "=eyJ" + "aB3" * 3_970 + "." + "cD4" * 9 + "=" + "Q/" * 40_000
    assert looked(text) == [Found("secret.jwt", 39_201, 39_201 + 3 + 3 * 3_970 + 1 + 27)]


@pytest.mark.parametrize("signature", ["", ".c2ln"])
def test_a_token_with_a_long_head_is_found(signature: str) -> None:
    """No window holds where the head begins and where it ends; what follows is read on."""
    token = "eyJ" + "aB3_" * 30_000 + ".cD4cD4cD4" + signature
    text = "Q/" * 19_600 + "=" + token + "/" * 50_000 + "=AKIAIOSFODNN7EXAMPLE"
    assert looked(text) == [Found("secret.jwt", 39_201, 39_201 + len(token)), Found("secret.aws-key", len(text) - 20, len(text))]


@pytest.mark.parametrize(
    ("begin", "end"), [("=xeyJ", ".cD4cD4cD4"), ("=eyK", ".cD4cD4cD4"), ("=", ".cD4cD4cD4"), ("=eyJ", "/cD4cD4cD4"), ("=eyJ", ".cD4/")]
)
def test_a_file_that_is_no_token_is_none(begin: str, end: str) -> None:
    """However long its runs, and wherever a point stands."""
    assert looked("Q/" * 19_600 + begin + "aB3_" * 30_000 + end + "/" * 50_000) == []


@pytest.mark.parametrize("gap", [" " * 1_500, " - " * 1_300])
def test_the_system_prompt_is_noticed_over_a_border_with_much_room_between_words(gap: str) -> None:
    """However little of it stands behind a border where that is looked at."""
    words = PROMPT.split()[:8]
    begin = ("zebra " * 6_000)[: slices.SLICE - len(" ".join(words[:4]))]
    text = begin + " ".join(words[:4]) + " " + gap.join(words[4:]) + " zebra" * 15_000
    assert leaks.Prompt(PROMPT).watch().feed(text, final=True) is not None
    assert leaks.Prompt(PROMPT).may_be_said_by(text)


@pytest.mark.parametrize("letters", ["Q7+/", "0123456789abcdef", "aB3_"])
def test_no_part_of_a_long_file_is_read_at_once(letters: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other threads have their turns meanwhile."""
    read: list[int] = []
    find = look.secrets.find
    monkeypatch.setattr(look.secrets, "find", lambda text, *rest, **more: (read.append(len(text)), find(text, *rest, **more))[1])
    looked(letters * (1 << 18))
    assert max(read) <= slices.LONG
    assert max(end - start for start, end in slices.between_words(letters * (1 << 18))) <= slices.LONG
