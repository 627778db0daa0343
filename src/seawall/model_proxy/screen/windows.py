"""Screens an answer while it streams: what is secret or personal is found although it comes in pieces, before it goes out.

A window holds text back until a safe place (words.py), at most `window` characters; what is longer than that is told by its beginning and
dropped to its end. The outcome is the same however the text is cut into pieces. Masked values of the request are put back last.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from seawall.model_proxy.call import Call
from seawall.model_proxy.errors import Screened
from seawall.model_proxy.screen import secrets
from seawall.model_proxy.screen.finds import Found
from seawall.model_proxy.screen.leaks import prompt_of
from seawall.model_proxy.screen.look import is_quiet, look
from seawall.model_proxy.screen.masks import replaced, restored
from seawall.model_proxy.screen.settings import Action, Output
from seawall.model_proxy.screen.words import Words

OVERLAP = 96
"""Characters before a forced cut that are looked at again together with what follows."""
_TOKEN_REST = re.compile(r"[A-Za-z0-9_.-]*")
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END_MAX = 80
_UNSEEN = frozenset({"off", "pass"})
"""Actions of an answer that look for nothing."""


class Policy:
    """What becomes of what is found in one answer. Notes it in `call.findings`; Screened where the policy refuses."""

    __slots__ = ("_call", "_output", "_pii", "_secrets", "prompt", "values", "window")

    def __init__(self, call: Call, output: Output) -> None:
        self._call = call
        self._output = output
        self.window = output.window
        self.values: Mapping[str, str] = call.masks
        self._pii, self._secrets = output.pii not in _UNSEEN, output.secrets not in _UNSEEN
        self.prompt = prompt_of(call.body) if output.prompt not in _UNSEEN else None

    def passes(self, text: str) -> bool:
        """Whether a whole text is sure to go as it came, with nothing to note; False: it is to be read by a window."""
        if is_quiet(text):
            self._call.quiet = text
        elif (self._pii or self._secrets) and look(text, pii_wanted=self._pii, secrets_wanted=self._secrets):
            return False
        if self.values and "[" in text:
            return False
        return self.prompt is None or not self.prompt.may_be_said_by(text)

    def finds(self, text: str) -> list[Found]:
        """What is personal or secret in a text."""
        return look(text, pii_wanted=self._pii, secrets_wanted=self._secrets)

    def edits(self, found: list[Found]) -> list[tuple[int, int, str]]:
        """What is to be put in place of what was found."""
        return [(one.start, one.end, f"[{one.id.rpartition('.')[2]}]") for one in found if self.masks(one.id)]

    def masks(self, id: str) -> bool:
        """Note a finding; whether it is masked."""
        output = self._output
        action: Action = output.secrets if id.startswith("secret.") else output.pii if id.startswith("pii.") else output.prompt
        name = f"output.{id}"
        if name not in self._call.findings:
            self._call.findings = (*self._call.findings, name)
        if action == "refuse":
            raise Screened(f"The rule {name} cuts this answer", fix="Ask for something else, or ask for the policy to be changed")
        return action == "mask"


class Window:
    """One text of an answer on its way: `feed` gives what may go, with edits made."""

    __slots__ = ("_dropping", "_in_json", "_leaking", "_policy", "_words", "text")

    def __init__(self, policy: Policy, *, in_json: bool = False) -> None:
        self._policy = policy
        self._in_json = in_json
        self._leaking = policy.prompt.watch() if policy.prompt is not None else None
        self._dropping: re.Pattern[str] | None = None
        self._words = Words()
        self.text = ""
        """What is held back; it begins at a safe place."""

    def feed(self, text: str) -> tuple[int, str | None]:
        """More text. How many characters of what is held may go; and, where they are not to go as they came, what goes instead."""
        room = self._policy.window + 1 - len(self.text)
        if len(text) <= room:
            return self._step(text)
        held, count, parts, edited = self.text + text, 0, [], False
        while text:  # never more than the window at once, so that it does not matter how the text is cut
            room = max(1, self._policy.window + 1 - len(self.text))
            gone, new = self._step(text[:room])
            parts.append(held[count : count + gone] if new is None else new)
            text, count, edited = text[room:], count + gone, edited or new is not None
        return count, "".join(parts) if edited else None

    def _step(self, text: str) -> tuple[int, str | None]:
        held = self.text = self.text + text
        if self._dropping is not None:
            return self._drop()
        words = self._words
        words.read(held)
        place, calm = words.place, words.clean
        if place and not calm and secrets.PEM_BEGIN in held and not _PEM_END.search(held):
            place = 0
        if place == 0:
            return self._forced() if len(held) > self._policy.window else (0, None)
        words.let()
        return self._let(place, calm)

    def end(self) -> tuple[int, str | None]:
        """The text is complete: all of it goes."""
        if self._dropping is not None:
            self._dropping = None
            return self._gone("")
        return self._let(len(self.text), calm=False, final=True)

    def _let(self, place: int, calm: bool, *, final: bool = False) -> tuple[int, str | None]:
        text, self.text = self.text[:place], self.text[place:]
        new = None if calm else self._edited(text)
        return place, new if self._leaking is None else self._watched(text if new is None else new, new, final=final)

    def _edited(self, text: str) -> str | None:
        policy = self._policy
        found = policy.finds(text)
        edits = policy.edits(found) if found else ()
        new = replaced(text, edits) if edits else text
        new = restored(new, policy.values, in_json=self._in_json)
        return None if new == text else new

    def _watched(self, out: str, new: str | None, *, final: bool) -> str | None:
        """The text as it goes, without what says the system prompt."""
        kept = None if self._leaking is None else self._leaking.feed(out, final=final)
        return kept if kept is not None and self._policy.masks("prompt") else new

    def _gone(self, instead: str) -> tuple[int, str | None]:
        self._words.begin()
        count, self.text = len(self.text), ""
        return count, instead

    def _drop(self) -> tuple[int, str | None]:
        """The rest of a finding that was too long for the window."""
        if self._dropping is _PEM_END:
            end = _PEM_END.search(self.text)
            if end is None:
                dropped = max(0, len(self.text) - _PEM_END_MAX)
                self.text = self.text[dropped:]
                return dropped, ""
            stop = end.end()
        else:
            match = _TOKEN_REST.match(self.text)
            stop = match.end() if match else 0
            if stop == len(self.text):
                return self._gone("")
        self._dropping = None
        self._words.begin()
        rest, self.text = self.text[stop:], ""
        count, new = self._step(rest)
        return stop + count, rest[:count] if new is None else new

    def _forced(self) -> tuple[int, str | None]:
        """Nothing safe within the window: cut where no finding is, and drop what goes on beyond it."""
        held = self.text
        found = self._policy.finds(held)
        if found and found[-1].end == len(held):
            last = found[-1]
            instead = self._edited(held)
            if instead is not None and self._policy.masks(last.id):
                self._dropping = _PEM_END if last.id == "secret.private-key" else _TOKEN_REST
                return self._gone(instead)
        cut = len(held) - OVERLAP
        for one in found:
            if one.start < cut < one.end:
                cut = one.start or one.end
        bracket = held.rfind("[", max(0, cut - 24), cut)
        cut = bracket if bracket > 0 and "]" not in held[bracket:cut] else cut
        self._words.begin()
        return self._let(cut, calm=False)


def passed(policy: Policy, text: str, *, in_json: bool = False) -> str:
    """A whole text as it may go: looked at once, as nothing of it has gone yet."""
    if policy.passes(text):
        return text
    window = Window(policy, in_json=in_json)
    window.text = text
    _, new = window.end()
    return text if new is None else new
