"""What a call used and what that costs, once it is over: tokens, then money, then what was reserved too much goes back.

The provider's own count stands. Where it gave none (some never do; a cut stream has none) a token is taken for four bytes and the usage is
marked as estimated. An answer from the cache, another call's flight or a cassette used nothing: whoever asked first paid. A call that
failed before anything came costs nothing; one whose client vanished while the provider worked is billed what it had sent and got.
"""

from __future__ import annotations

from seawall.model_proxy.call import NO_USAGE, Call, Usage, Whole
from seawall.model_proxy.forms import finishes_of
from seawall.model_proxy.stages import Admit

BYTES_PER_TOKEN = 4
_CANCELLED = "cancelled"


def settle(call: Call, answer: Whole | None, text: str, admit: Admit | None = None) -> None:
    """Set `call.usage`, `call.cost`, `call.finish` and `call.answered_by`, and give back what was not used. Neither waits nor raises."""
    if answer is not None:
        _read(call, answer)
    if call.served != "model":
        call.usage, call.cost = NO_USAGE, 0
    else:
        if not (call.usage.input or call.usage.output):
            call.usage = estimate(call, answer, text)
        if not call.cost:  # a caller adds up the cost of every round, each at its model's price
            call.cost = call.target.cost(call.usage) if call.target is not None else 0
    if admit is not None:
        admit.settle(call)


def estimate(call: Call, answer: Whole | None, text: str) -> Usage:
    """A token for each four bytes of what was sent and of what came; nothing when nothing did. Attempts that ended have told their part."""
    if answer is not None and answer.status >= 400:
        return NO_USAGE
    got = len(text.encode("utf-8", "replace")) if text else _bytes_of(answer)
    if not got and (call.error != _CANCELLED or not call.sent_ns or call.attempts):
        return NO_USAGE
    return Usage(_tokens(len(call.request.body)), _tokens(got), estimated=True)


def _read(call: Call, answer: Whole) -> None:
    """What a whole answer says of itself."""
    if not (call.usage.input or call.usage.output):
        call.usage = answer.usage
    if not call.finish:
        finishes = finishes_of(answer.body)
        call.finish = finishes[0] if finishes else ""
    if not call.answered_by:
        model = answer.body.get("model")
        call.answered_by = model[:200] if isinstance(model, str) else ""


def _bytes_of(answer: Whole | None) -> int:
    """Of the content of a whole chat completion; embeddings put nothing out."""
    total = 0
    choices = answer.body.get("choices") if answer is not None else None
    for choice in choices if isinstance(choices, list) else ():
        message = choice.get("message") if isinstance(choice, dict) else None
        content = message.get("content") if isinstance(message, dict) else None
        total += len(content.encode("utf-8", "replace")) if isinstance(content, str) else 0
    return total


def _tokens(size: int) -> int:
    return -(-size // BYTES_PER_TOKEN)
