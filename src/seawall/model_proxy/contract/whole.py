"""A whole answer held to its contract: its text and its tool calls, mended where it is plain what was meant."""

from __future__ import annotations

from typing import Any

import msgspec

from seawall.core.schemas.errors import Violation
from seawall.model_proxy.call import Whole
from seawall.model_proxy.contract.contract import Contract, broken
from seawall.model_proxy.contract.reader import Reader
from seawall.model_proxy.contract.tools import checked_calls

TRUNCATED = "length"
"""The reason of an end at `max_tokens`."""


class Unsound(Exception):
    """A text that breaks the contract and cannot be mended."""

    def __init__(self, text: str, wrong: Violation) -> None:
        super().__init__(text)
        self.text, self.wrong = text, wrong


def kept(contract: Contract, answer: Whole) -> Whole:
    """The answer, the same one when nothing was mended. Unsound for its text, ContractBroken for its tool calls."""
    choices = answer.body.get("choices")
    if not isinstance(choices, list) or answer.status >= 300:
        return answer
    sound = [_choice(contract, choice) for choice in choices]
    if all(new is old for new, old in zip(sound, choices, strict=True)):
        return answer
    return msgspec.structs.replace(answer, body={**answer.body, "choices": sound})


def wrong_in(text: str, contract: Contract) -> Violation | None:
    """The first thing wrong with a text, if anything is."""
    if contract.schema is None:
        return None
    reader = Reader(contract.schema.plan)
    try:
        reader.feed(text)
        reader.finish()
    except Violation as wrong:
        return wrong
    return contract.fault(text)


def _choice(contract: Contract, choice: dict[str, Any]) -> dict[str, Any]:
    message = choice.get("message") or {}
    content, calls = message.get("content"), message.get("tool_calls")
    finish = choice.get("finish_reason")
    if isinstance(calls, list) and contract.tools and finish != TRUNCATED:
        try:
            checked = checked_calls(calls, contract.tools)
        except Violation as wrong:
            raise broken(wrong) from None
        message = message if checked is calls else {**message, "tool_calls": checked}
    if (
        contract.schema is not None
        and (content or contract.required)
        and (contract.required or finish not in (TRUNCATED, "content_filter"))
    ):
        text = _sound(contract, content if isinstance(content, str) else "", finish)
        message = message if text == content else {**message, "content": text}
    return choice if message is choice.get("message") else {**choice, "message": message}


def _sound(contract: Contract, text: str, finish: object) -> str:
    wrong = wrong_in(text, contract)
    if wrong is None:
        return text
    mended = contract.mended(text, closers=finish != TRUNCATED)
    if mended is None:
        raise Unsound(text, wrong)
    return mended
